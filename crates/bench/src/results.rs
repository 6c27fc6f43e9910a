//! What was measured, and the ratios of it.

use serde::{Deserialize, Serialize};

use crate::{
    drive::{Round, median},
    labels::SIZES,
    os,
};

/// All that a run has seen.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// What it ran on.
    pub(crate) machine: String,
    /// Each subject at each number of connections, in the order in which they were measured.
    pub(crate) series: Vec<Series>,
    /// Single figures: sizes, times, rates of signing.
    pub(crate) figures: Vec<Figure>,
}

/// The rounds of one subject. The rounds of a scene alternate: the first of one subject is followed
/// by the first of the next.
#[derive(Serialize, Deserialize)]
pub(crate) struct Series {
    /// What was set up.
    pub(crate) scene: String,
    /// What was measured.
    pub(crate) subject: String,
    pub(crate) connections: usize,
    pub(crate) rounds: Vec<Round>,
}

/// A single figure: the median of what was seen, with its unit in the name.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
}

impl Series {
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }
}

impl Results {
    pub(crate) fn of_this_machine() -> Self {
        Self {
            machine: os::machine(),
            ..Self::default()
        }
    }

    pub(crate) fn series(&self, scene: &str, subject: &str, connections: usize) -> Option<&Series> {
        self.series.iter().find(|it| {
            (it.scene.as_str(), it.subject.as_str(), it.connections)
                == (scene, subject, connections)
        })
    }

    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        let found = self.figures.iter().find(|it| it.name == name);
        found.map(|it| it.value)
    }

    /// How many authorizations each population had that growth was measured on.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = u32> {
        let sizes = self.figures.iter().filter(|it| it.name == SIZES);
        sizes.map(|it| it.value as u32)
    }

    /// The most of them.
    pub(crate) fn largest(&self) -> Option<u32> {
        self.sizes().max()
    }

    /// What another run has seen, too.
    pub(crate) fn join(&mut self, other: Self) {
        self.series.extend(other.series);
        self.figures.extend(other.figures);
    }

    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64) {
        self.figures.push(Figure {
            name: name.into(),
            value,
        });
    }

    /// How many times as fast one is as the other: the median over the rounds, each against the
    /// other's of the same turn.
    pub(crate) fn ratio(
        &self,
        scene: &str,
        one: (&str, usize),
        other: (&str, usize),
    ) -> Option<f64> {
        let one = self.series(scene, one.0, one.1)?;
        let other = self.series(scene, other.0, other.1)?;
        let pairs = one.rounds.iter().zip(&other.rounds);
        Some(median(pairs.map(|(one, other)| one.rate / other.rate)))
    }
}
