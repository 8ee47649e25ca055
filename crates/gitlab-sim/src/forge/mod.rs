//! The simulated forge itself: what it holds, how it is generated, how it moves.

pub(crate) mod dice;
pub(crate) mod extras;
pub(crate) mod generate;
pub(crate) mod items;
pub(crate) mod layout;
pub(crate) mod model;
pub(crate) mod motion;
pub(crate) mod pipelines;
pub(crate) mod repository;
pub(crate) mod rights;
mod tending;
pub(crate) mod text;
pub(crate) mod words;
