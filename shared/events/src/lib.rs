//! The event port and its EventBridge side.
