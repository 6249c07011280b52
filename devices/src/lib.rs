//! How we speak to metal: links (MQTT, Modbus TCP), device profiles, twins and the fire road.
//!
//! A link turns bytes into a `domain` input and a command into bytes. It knows no member, price or
//! rule. What a device type is stands in a profile; where a device stands, in the site's file.

pub mod accounts;
pub mod arrival;
mod backoff;
pub mod config;
pub mod fire;
pub mod hub;
mod modbus;
mod mqtt;
pub mod nonsense;
mod outcome;
pub mod pin;
pub mod profile;
pub mod queue;
mod rate;
mod seldom;
pub mod server;
mod stamp;
pub mod twin;
