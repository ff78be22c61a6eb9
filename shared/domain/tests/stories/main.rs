//! The decisions of Usher, told as stories: one file for each subject.
//!
//! One binary for all of them, because linking takes longer than running.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod common;
#[cfg(test)]
mod consequences;
#[cfg(test)]
mod fate;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod languages;
mod links;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod pace;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod services;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod update_texts;
#[cfg(test)]
mod updates;
