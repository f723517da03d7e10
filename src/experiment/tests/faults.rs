//! Each fault alone, and several at once.
