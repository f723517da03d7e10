//! The results folder: an append-only record of finished runs, and files written whole or not at all.
