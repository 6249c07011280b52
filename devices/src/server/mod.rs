//! The MQTT server for devices: a door of our own, so that what is acknowledged is durable.

pub(crate) mod rights;
