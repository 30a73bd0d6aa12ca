//! The cloud's API: calls become listings or failures. Knows no Prometheus and no configuration.

// One call, from the bottom up.
pub mod sign;
