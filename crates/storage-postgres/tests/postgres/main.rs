//! The PostgreSQL store keeps the contract of every store, and what a server demands beyond it.

mod anticipated;
mod connections;
mod contract;
mod corruption;
mod deleting;
mod disagreement;
mod fixture;
mod import;
mod outages;
mod round_trips;
mod rows;
mod schema;
mod secrecy;
mod settings;
mod under_lock;
