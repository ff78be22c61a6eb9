//! What DynamoDB answers when things go wrong, which no emulator does.
