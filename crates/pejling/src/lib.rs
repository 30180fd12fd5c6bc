//! pejling
