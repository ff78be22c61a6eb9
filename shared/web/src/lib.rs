//! What HTTP functions share: reading requests, problems, answers.
