//! What the tree of a process may use: a file, a start and the bounds of `[limits]` say it in the
//! same words.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Wrong;

/// What the tree of a process may use; `None` is as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TreeLimits {
    /// Bytes of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<Size>,
    /// Cores, such as 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cpu: Option<Cores>,
    /// Processes and threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pids: Option<u32>,
}

/// A number of bytes; written as one, or as `512K`, `64M`, `1.5G`, `1T` in powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A number of cores, in thousandths; written as a number such as `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cores {
    /// Thousandths of a core.
    pub milli: u32,
}

impl TreeLimits {
    /// With less no program starts.
    const LEAST_BYTES: u64 = 1 << 20;
    /// The kernel gives no smaller share.
    const LEAST_MILLI: u32 = 10;
    const MOST_MILLI: u32 = 4_096_000;
    /// The kernel has no more pids.
    const MOST_PIDS: u32 = 4_194_304;

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they say nothing, the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            max_memory: self.max_memory.or(others.max_memory),
            max_cpu: self.max_cpu.or(others.max_cpu),
            max_pids: self.max_pids.or(others.max_pids),
        }
    }

    /// These within `bounds`, which hold where nothing is said.
    ///
    /// # Errors
    /// The key that goes beyond, and what would be right.
    pub fn within(self, bounds: Self) -> Result<Self, Wrong> {
        fn check<T: PartialOrd + fmt::Display>(
            key: &'static str,
            asked: Option<T>,
            most: Option<T>,
        ) -> Result<(), Wrong> {
            match (asked, most) {
                (Some(asked), Some(most)) if asked > most => Err(Wrong {
                    key,
                    message: format!("at most {most} is allowed by limits.{key}, got {asked}"),
                }),
                _ => Ok(()),
            }
        }
        check("max_memory", self.max_memory, bounds.max_memory)?;
        check("max_cpu", self.max_cpu, bounds.max_cpu)?;
        check("max_pids", self.max_pids, bounds.max_pids)?;
        Ok(self.or(bounds))
    }

    /// Whether the values can be worked with.
    ///
    /// # Errors
    /// The key that does not fit, and what would be right.
    pub fn validate(&self) -> Result<(), Wrong> {
        let wrong = |key, message: String| Err(Wrong { key, message });
        if let Some(size) = self.max_memory.filter(|size| size.0 < Self::LEAST_BYTES) {
            return wrong("max_memory", format!("expected 1M or more, got {size}"));
        }
        let cpu = Self::LEAST_MILLI..=Self::MOST_MILLI;
        if let Some(cores) = self.max_cpu.filter(|cores| !cpu.contains(&cores.milli)) {
            return wrong("max_cpu", format!("expected 0.01 to 4096 cores, got {cores}"));
        }
        let pids = 1..=Self::MOST_PIDS;
        if let Some(count) = self.max_pids.filter(|count| !pids.contains(count)) {
            return wrong("max_pids", format!("expected 1 to {}, got {count}", Self::MOST_PIDS));
        }
        Ok(())
    }
}

impl Size {
    const WANTED: &str = "expected bytes, or a size such as 512M or 1.5G";
    const UNITS: [(char, u64); 4] =
        [('T', 1 << 40), ('G', 1 << 30), ('M', 1 << 20), ('K', 1 << 10)];

    /// Reads a number of bytes, or one with K, M, G or T behind it.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{}, got {text:?}", Self::WANTED);
        let upper = text.trim().to_ascii_uppercase();
        let short = upper.strip_suffix("IB").or_else(|| upper.strip_suffix('B')).unwrap_or(&upper);
        let unit = Self::UNITS.iter().find(|(letter, _)| short.ends_with(*letter));
        let (digits, factor) = match unit {
            Some((letter, factor)) => (short.trim_end_matches(*letter).trim_end(), *factor),
            None => (short, 1),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let has_part = digits.contains('.');
        if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > 6 {
            return Err(wrong());
        }
        if has_part && (part.is_empty() || factor == 1) {
            return Err(wrong());
        }
        let bytes = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(factor));
        let scale = 10_u64.pow(u32::try_from(part.len()).unwrap_or_default());
        let more = part.parse::<u64>().unwrap_or_default();
        let more = u64::try_from(u128::from(more) * u128::from(factor) / u128::from(scale));
        let bytes = bytes.zip(more.ok()).and_then(|(bytes, more)| bytes.checked_add(more));
        bytes.map(Self).ok_or_else(wrong)
    }
}

impl Cores {
    const WANTED: &str = "expected cores, such as 0.5 or 2";

    /// So many cores.
    ///
    /// # Errors
    /// What would be right.
    pub fn new(cores: f64) -> Result<Self, String> {
        let milli = (cores * 1_000.0).round();
        if !(0.0..=f64::from(u32::MAX)).contains(&milli) {
            return Err(format!("{}, got {cores}", Self::WANTED));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within")]
        Ok(Self { milli: milli as u32 })
    }

    /// Reads a number.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let cores = text.trim().parse().map_err(|_| format!("{}, got {text:?}", Self::WANTED))?;
        Self::new(cores)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> f64 {
        f64::from(self.milli) / 1_000.0
    }
}

/// With the largest unit that leaves no more than one decimal, as one writes it.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (letter, factor) in Self::UNITS {
            let tenths = u128::from(self.0) * 10;
            if self.0 >= factor && tenths.is_multiple_of(u128::from(factor)) {
                let tenths = tenths / u128::from(factor);
                return match tenths % 10 {
                    0 => write!(f, "{}{letter}", tenths / 10),
                    part => write!(f, "{}.{part}{letter}", tenths / 10),
                };
            }
        }
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl Serialize for Cores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.number())
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes, or a size such as \"512M\"")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Size, E> {
                let bytes = u64::try_from(bytes);
                bytes.map(Size).map_err(|_| E::custom(format!("{}, got less", Size::WANTED)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Cores {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes, or a size such as \"512M\"",
            "anyOf": [
                {"type": "integer", "minimum": 1_048_576},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*[KkMmGgTt]?([Ii]?[Bb])?\s*$"},
            ],
        })
    }
}

impl JsonSchema for Cores {
    fn schema_name() -> Cow<'static, str> {
        "Cores".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Cores, such as 0.5",
            "type": "number",
            "minimum": 0.01,
            "maximum": 4_096,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them_and_written_so() {
        let cases = [
            ("1048576", 1 << 20, "1M"),
            ("512k", 512 << 10, "512K"),
            ("1.5G", 3 << 29, "1.5G"),
            ("64 MiB", 64 << 20, "64M"),
            ("2TB", 2 << 40, "2T"),
            ("1000", 1000, "1000"),
            ("0", 0, "0"),
        ];
        for (text, bytes, written) in cases {
            let size = Size::parse(text).unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, written), "{text}");
            assert_eq!(Size::parse(written).unwrap(), size);
        }
        for text in ["", "M", "1.5", "1.M", "-1", "1e9", "1GM", "99999999999T", "0.1234567G"] {
            assert!(Size::parse(text).unwrap_err().contains("such as 512M"), "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_stays_within_the_bounds_which_hold_otherwise() {
        let limits = |memory: u64, milli: u32, pids: u32| TreeLimits {
            max_memory: (memory > 0).then_some(Size(memory)),
            max_cpu: (milli > 0).then_some(Cores { milli }),
            max_pids: (pids > 0).then_some(pids),
        };
        let bounds = limits(1 << 30, 2_000, 0);
        assert_eq!(limits(0, 0, 9).within(bounds), Ok(limits(1 << 30, 2_000, 9)));
        assert_eq!(limits(1 << 20, 500, 0).within(bounds), Ok(limits(1 << 20, 500, 0)));
        let wrong = limits(0, 2_500, 0).within(bounds).unwrap_err();
        assert_eq!(wrong.key, "max_cpu");
        assert_eq!(wrong.message, "at most 2 is allowed by limits.max_cpu, got 2.5");
        let wrong = limits(3 << 29, 0, 0).within(bounds).unwrap_err();
        assert_eq!(wrong.message, "at most 1G is allowed by limits.max_memory, got 1.5G");
    }

    #[test]
    fn bad_values_are_refused_with_what_would_be_right() {
        let refusal = |text: &str| match serde_json::from_str::<TreeLimits>(text) {
            Err(error) => error.to_string(),
            Ok(limits) => limits.validate().unwrap_err().message,
        };
        assert_eq!(refusal(r#"{"max_memory": 9}"#), "expected 1M or more, got 9");
        assert_eq!(refusal(r#"{"max_cpu": 0}"#), "expected 0.01 to 4096 cores, got 0");
        assert_eq!(refusal(r#"{"max_pids": 0}"#), "expected 1 to 4194304, got 0");
        for text in [
            r#"{"max_memory": "lots"}"#,
            r#"{"max_memory": -1}"#,
            r#"{"max_memory": true}"#,
            r#"{"max_cpu": -1}"#,
            r#"{"max_cpu": "two"}"#,
            r#"{"max_pids": 1.5}"#,
            r#"{"max_cpus": 1}"#,
        ] {
            assert!(refusal(text).contains("expected") || refusal(text).contains("unknown"));
        }
        let good: TreeLimits =
            serde_json::from_str(r#"{"max_memory": "64M", "max_cpu": 0.25, "max_pids": 8}"#)
                .unwrap();
        assert_eq!(good.validate(), Ok(()));
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(text, r#"{"max_memory":67108864,"max_cpu":0.25,"max_pids":8}"#);
        assert_eq!(serde_json::from_str::<TreeLimits>(&text).unwrap(), good);
    }
}
