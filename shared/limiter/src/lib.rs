//! Turns at Telegram, shared by all senders.
