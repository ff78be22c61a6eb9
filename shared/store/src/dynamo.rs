//! The DynamoDB side of the port.
