//! What can become of a call that posts a message.

use proptest::prelude::*;

/// What becomes of one call, and whether the message stands in the group whatever the caller saw.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Posted,
    NoAnswer { stands: bool },
    NotNow,
    Failed,
    Refused,
    Died { stands: bool },
}

/// Fates, each as often as its weight says, in the order in which they stand there.
pub(crate) fn fates(
    [posted, no_answer, not_now, failed, refused, died]: [u32; 6],
) -> impl Strategy<Value = Fate> {
    prop_oneof![
        posted => Just(Fate::Posted),
        no_answer => any::<bool>().prop_map(|stands| Fate::NoAnswer { stands }),
        not_now => Just(Fate::NotNow),
        failed => Just(Fate::Failed),
        refused => Just(Fate::Refused),
        died => any::<bool>().prop_map(|stands| Fate::Died { stands }),
    ]
}
