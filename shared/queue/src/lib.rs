//! The queue port and its SQS side.
