//! States keys once: name, type, place in the settings, parser, and text in the example.
//!
//! ```text
//!   /// The largest UDP answer in octets (512 to 4096).      what the example says of it
//!   udp_size: u16 = values::integer(512, 4096);              `udp-size`, laid over `udp_size` of the settings
//!   rate as "rrl-rate": u16, in rates = …;                   `rrl-rate`, laid over `rates.rate`
//!   metrics_listen: SocketAddr = …, example "…";             without a default: the example shows this
//!   certificate: PathBuf = values::path, apart "…";          the same, and not laid over anything
//! ```
//!
//! A kind of check states its keys by `pub struct … of a check`: without place, default and example, as its example is a
//! whole `check = {…}`; what comes of it is a struct of the values that are set, `KEYS` and `read_keys`.
//!
//! The default is what the settings have by default. What comes of it: a struct of what is set, each with its place;
//! `KEYS` to know and show them; `read`; `first_place`; and `over`, which lays what is set over settings.

/// States the keys of a section, or of a part of one.
macro_rules! statement {
    (@name $field:ident $key:literal) => { $key };
    (@name $field:ident) => {{
        const OCTETS: [u8; stringify!($field).len()] = $crate::keys::hyphened(stringify!($field));
        match std::str::from_utf8(&OCTETS) {
            Ok(name) => name,
            Err(_) => stringify!($field),
        }
    }};
    (@value $settings:ty, $field:ident, [$($inner:ident)?],) => {
        $crate::keys::Value::Default(|| {
            $crate::keys::values::Shown::shown(&<$settings as Default>::default()$(.$inner)?.$field)
        })
    };
    (@value $settings:ty, $field:ident, [$($inner:ident)?], $how:ident $shown:literal) => {
        $crate::keys::Value::Example($shown)
    };
    (@lay $laid:ident, $keys:ident, $field:ident, [$($inner:ident)?], apart) => {};
    (@lay $laid:ident, $keys:ident, $field:ident, [$($inner:ident)?], $($how:ident)?) => {
        if let Some(placed) = &$keys.$field {
            $laid$(.$inner)?.$field = placed.value.clone().into();
        }
    };
    (
        @over $settings:ty; $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident $(as $key:literal)?: $type:ty $(, in $inner:ident)? = $read:expr
                $(, $how:ident $shown:literal)?;
            )*
        }
    ) => {
        impl $name {
            /// Lays what is set over settings.
            pub fn over(&self, base: &$settings) -> $settings {
                let (keys, mut laid) = (self, base.clone());
                $(statement!(@lay laid, keys, $field, [$($inner)?], $($how)?);)*
                laid
            }
        }
    };
    (
        @keys $settings:ty; $(#[$meta:meta])* $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident $(as $key:literal)?: $type:ty $(, in $inner:ident)? = $read:expr
                $(, $how:ident $shown:literal)?;
            )*
        }
        $(also { $(#[$extra_meta:meta])* $extra:ident: $extra_type:ty })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default)]
        pub struct $name {
            $(
                #[doc = concat!("The key of this name: `", stringify!($field), "`.")]
                pub $field: Option<$crate::keys::source::Placed<$type>>,
            )*
            $($(#[$extra_meta])* pub $extra: $extra_type,)?
        }

        impl $name {
            /// The keys, in the order of the example.
            pub const KEYS: &'static [$crate::keys::Key] = &[$($crate::keys::Key {
                name: statement!(@name $field $($key)?),
                text: &[$($doc),*],
                value: statement!(@value $settings, $field, [$($inner)?], $($how $shown)?),
                status: $crate::keys::Status::Works,
            }),*];

            /// Reads them from a section.
            pub fn read(
                reader: &mut $crate::keys::reader::Reader<'_>,
                section: &$crate::keys::reader::Section<'_>,
            ) -> Self {
                Self {
                    $($field: $crate::keys::reader::Take::take(
                        &$read, reader, section, statement!(@name $field $($key)?),
                    ),)*
                    $($extra: Default::default(),)?
                }
            }

            /// Returns where the first key that is set stands.
            pub fn first_place(&self) -> Option<$crate::base::finding::Place> {
                let places = [$(self.$field.as_ref().map(|placed| placed.place.clone())),*];
                places.into_iter().flatten().next()
            }
        }
    };
    (
        $(#[$meta:meta])* pub struct $name:ident of a check {
            $($(#[doc = $doc:literal])* $field:ident $(as $key:literal)?: $type:ty = $read:expr;)*
        }
        $(also { $($(#[$extra_meta:meta])* $extra:ident: $extra_type:ty),+ })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: Option<$type>,)*
            $($($(#[$extra_meta])* pub $extra: $extra_type,)+)?
        }

        impl $name {
            /// The keys.
            pub const KEYS: &'static [$crate::keys::Key] =
                &[$($crate::keys::Key::bare(statement!(@name $field $($key)?))),*];

            /// Reads them from the table of a check.
            pub(crate) fn read_keys(
                reader: &mut $crate::keys::reader::Reader<'_>,
                table: &$crate::keys::reader::Section<'_>,
            ) -> Self {
                Self {
                    $($field: $crate::keys::reader::Take::take(
                        &$read, reader, table, statement!(@name $field $($key)?),
                    ).map(|placed| placed.value),)*
                    $($($extra: Default::default(),)+)?
                }
            }
        }
    };
    ($(#[$meta:meta])* pub struct $name:ident over $settings:ty { $($body:tt)* } $($rest:tt)*) => {
        statement! { @keys $settings; $(#[$meta])* $name { $($body)* } $($rest)* }
        statement! { @over $settings; $name { $($body)* } }
    };
    ($(#[$meta:meta])* pub struct $name:ident { $($body:tt)* }) => {
        statement! { @keys (); $(#[$meta])* $name { $($body)* } }
    };
}

pub(crate) use statement;
