//! Stories through the deployed functions, and the play that make dev shows.
