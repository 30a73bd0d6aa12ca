//! The cloud's API.
