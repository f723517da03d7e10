//! Progress of the runs on a screen.
