//! Employees, as a number or as a register interval, and the size classes made of them.
