//! How asking a network can fail; one shape for all of them, each with refusals of its own.

/// A network's no, understood.
pub(crate) trait Refusal {
    /// What can be done about it.
    type Class: Copy;

    fn class(&self) -> Self::Class;
    /// The network's own words.
    fn words(&self) -> &str;
    /// What to do next.
    fn remedy(&self) -> &'static str;
}

/// A network's problem is a [`Refusal`] by its fields `class` and `words` and a method `remedy` of its own.
macro_rules! refusal {
    ($problem:ty, $class:ty) => {
        impl $crate::net::call::Refusal for $problem {
            type Class = $class;

            fn class(&self) -> $class {
                self.class
            }

            fn words(&self) -> &str {
                &self.words
            }

            fn remedy(&self) -> &'static str {
                // The type's own method goes before the trait's.
                <$problem>::remedy(self)
            }
        }
    };
}

pub(crate) use refusal;

/// Why a request brought nothing.
#[derive(Debug)]
pub(crate) enum CallError<P> {
    /// It never left this machine.
    NotSent(String),
    /// It may have arrived; the answer was lost or could not be read.
    Lost(String),
    /// The network, or somebody in between, said no.
    No(Box<P>),
}

impl<P: Refusal> CallError<P> {
    pub(crate) fn words(&self) -> &str {
        match self {
            CallError::NotSent(why) | CallError::Lost(why) => why,
            CallError::No(problem) => problem.words(),
        }
    }

    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            CallError::NotSent(_) => "check the address in the config, the network and the proxy variables",
            CallError::Lost(_) => "try again; if it stays, check the network and the proxy variables",
            CallError::No(problem) => problem.remedy(),
        }
    }

    /// `None` where the network itself said nothing.
    pub(crate) fn class(&self) -> Option<P::Class> {
        match self {
            CallError::No(problem) => Some(problem.class()),
            CallError::NotSent(_) | CallError::Lost(_) => None,
        }
    }
}
