//! What holds the repository together, told as tests: the API's contract (`infra/openapi.yaml`), the
//! template, the functions and the documents say the same.
//!
//! There is nothing here but tests, and what they read the repository with.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod links;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod privilege;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod template;
#[cfg(test)]
mod yaml;
