//! How configuration writes a rate: `300/5m`, or `off`.

use std::{num::NonZeroU32, str::FromStr};

use chrono::TimeDelta;

use super::{ConfigError, Settings, duration};

/// How often something may be done: all of it at once, and then again as time goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How often.
    pub(crate) count: NonZeroU32,
    /// Within which time.
    pub(crate) span: TimeDelta,
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number, a slash and a duration, such as 300/5m, or off")]
pub(crate) struct MalformedRate;

impl FromStr for Rate {
    type Err = MalformedRate;

    fn from_str(text: &str) -> Result<Self, MalformedRate> {
        let (count, span) = text.split_once('/').ok_or(MalformedRate)?;
        // `parse` alone would admit a sign.
        let digits = count.bytes().all(|it| it.is_ascii_digit());
        let count = count.parse().ok().filter(|_| digits);
        let span = duration::parse(span).ok().filter(|it| !it.is_zero());
        match (count, span) {
            (Some(count), Some(span)) => Ok(Self { count, span }),
            _ => Err(MalformedRate),
        }
    }
}

/// The bounds on what strangers do; `None` where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitSettings {
    /// Authorization requests without a session, from one source.
    pub(crate) requests: Option<Rate>,
    /// The same, from everywhere.
    pub(crate) requests_total: Option<Rate>,
}

impl LimitSettings {
    pub(super) fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            requests: settings.required("limits.requests", rate_or_off)?,
            requests_total: settings.required("limits.requests_total", rate_or_off)?,
        })
    }
}

fn rate_or_off(text: &str) -> Result<Option<Rate>, MalformedRate> {
    match text {
        "off" => Ok(None),
        rate => rate.parse().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_duration_are_a_rate() {
        let rate = |count, span| {
            let count = NonZeroU32::new(count).expect("not zero");
            Ok(Some(Rate { count, span }))
        };
        for (text, expected) in [
            ("300/5m", rate(300, TimeDelta::minutes(5))),
            ("1/1s", rate(1, TimeDelta::seconds(1))),
            ("off", Ok(None)),
        ] {
            assert_eq!(rate_or_off(text), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "300",
            "300/",
            "/5m",
            "0/5m",
            "+3/5m",
            "-3/5m",
            "3/0s",
            "3/5",
            "3 / 5m",
            "Off",
            "4294967296/1s",
        ] {
            assert_eq!(rate_or_off(text), Err(MalformedRate), "{text}");
        }
    }
}
