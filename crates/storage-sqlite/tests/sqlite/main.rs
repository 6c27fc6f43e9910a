//! The SQLite store keeps the contract of every store, and what a file demands beyond it.

mod contract;
mod corruption;
mod deleting;
mod durability;
mod export;
mod fixture;
mod rows;
mod schema;
mod secrecy;
