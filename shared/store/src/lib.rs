//! The table port: rows, conditional saves, indexes; and its DynamoDB side.
