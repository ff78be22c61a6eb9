//! The table port: rows, conditional saves, indexes; and its DynamoDB side.
//!
//! A handler **loads, decides, saves**. What it loads is an [`Entity`] with the version that was
//! read; what it saves is a [`Write`] on condition of that version, or several in one transaction
//! where items must change together. Reads by key are strongly consistent; an index is a hint, so
//! an item that was found by one is read again before anything is done with it.

#[cfg(test)]
mod bad_input;
mod body;
mod change;
mod cursor;
mod dynamo;
mod entities;
mod entity;
mod image;
mod item;
pub mod layout;
mod moves;
mod port;
mod row;

pub use body::{Body, Item};
pub use change::{Decision, change};
pub use dynamo::{DynamoStore, Tables, failure};
pub use entities::{
    ChartUrlMade, GroupAnswer, PurchaseDone, Requested, UserClaim, fingerprint, key,
};
pub use entity::{Entity, Write, decode, load};
pub use image::record;
pub use item::{item_from_row, moment, place_in, row_from_image, text};
pub use moves::{Move, chat_moved, holder_of};
pub use port::{
    Broken, CommitError, Count, Cursor, DueItem, List, Page, SHARDS, Store, StoreError, shard_of,
};
pub use row::{Index, Row, Table};
