//! GET /traders/services/{id}
