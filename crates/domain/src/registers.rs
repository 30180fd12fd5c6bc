//! Numbers of units and companies in the Danish and Swedish registers, with their check digits.
