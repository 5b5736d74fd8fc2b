//! The binary protocol: from the first bytes of a request to what it asks for, and the heads of its answers. A request is
//! a header of 24 bytes, then extras, key and value, whose lengths the header tells. Nothing is copied; every slice points
//! into the bytes read.

use nearcache::{Expiry, KEY_MAX, Verb};

/// The first byte of a request.
pub const REQUEST: u8 = 0x80;

/// The first byte of an answer.
pub const ANSWER: u8 = 0x81;

/// The length of a header.
pub const HEADER_LEN: usize = 24;

/// The longest body; a longer one is not even skipped.
const BODY_MAX: u32 = 1 << 30;

/// The expiry that forbids incr and decr to make an item.
const DO_NOT_MAKE: u32 = u32::MAX;

/// The longest name of a SASL mechanism.
const MECHANISM_MAX: usize = 32;

/// The longest SASL message that is looked at; PLAIN's parts have 255 bytes at most.
const MESSAGE_MAX: usize = 1024;

/// The operations, without their quiet variants.
#[allow(missing_docs)]
pub mod opcode {
    pub const GET: u8 = 0x00;
    pub const SET: u8 = 0x01;
    pub const ADD: u8 = 0x02;
    pub const REPLACE: u8 = 0x03;
    pub const DELETE: u8 = 0x04;
    pub const INCREMENT: u8 = 0x05;
    pub const DECREMENT: u8 = 0x06;
    pub const QUIT: u8 = 0x07;
    pub const FLUSH: u8 = 0x08;
    pub const GETQ: u8 = 0x09;
    pub const NOOP: u8 = 0x0a;
    pub const VERSION: u8 = 0x0b;
    pub const GETK: u8 = 0x0c;
    pub const GETKQ: u8 = 0x0d;
    pub const APPEND: u8 = 0x0e;
    pub const PREPEND: u8 = 0x0f;
    pub const STAT: u8 = 0x10;
    pub const SETQ: u8 = 0x11;
    pub const FLUSHQ: u8 = 0x18;
    pub const APPENDQ: u8 = 0x19;
    pub const PREPENDQ: u8 = 0x1a;
    pub const TOUCH: u8 = 0x1c;
    pub const GAT: u8 = 0x1d;
    pub const GATQ: u8 = 0x1e;
    pub const SASL_LIST: u8 = 0x20;
    pub const SASL_AUTH: u8 = 0x21;
    pub const SASL_STEP: u8 = 0x22;
    pub const GATK: u8 = 0x23;
    pub const GATKQ: u8 = 0x24;
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Status {
    /// As asked.
    Ok = 0x00,
    /// No such item.
    Missing = 0x01,
    /// There is an item, or its unique is another.
    Exists = 0x02,
    /// Over the item limit.
    TooLarge = 0x03,
    /// The parts of the request have wrong lengths.
    Invalid = 0x04,
    /// Nothing to append to, or the sum would be too large.
    NotStored = 0x05,
    /// incr or decr of what is no number.
    NotNumeric = 0x06,
    /// Who are you? Also what is forbidden altogether.
    AuthError = 0x20,
    /// SASL wants another message.
    AuthContinue = 0x21,
    /// No such operation.
    Unknown = 0x81,
    /// No memory could be freed.
    NoMemory = 0x82,
    /// The arena is damaged, or the system refused.
    Internal = 0x84,
}

impl Status {
    /// What is sent as the value of an answer of this status.
    pub fn text(self) -> &'static [u8] {
        match self {
            Status::Ok | Status::AuthContinue => b"",
            Status::Missing => b"Not found",
            Status::Exists => b"Data exists for key.",
            Status::TooLarge => b"Too large.",
            Status::Invalid => b"Invalid arguments",
            Status::NotStored => b"Not stored.",
            Status::NotNumeric => b"Non-numeric server-side value for incr or decr",
            Status::AuthError => b"Auth failure.",
            Status::Unknown => b"Unknown command",
            Status::NoMemory => b"Out of memory",
            Status::Internal => b"Internal error",
        }
    }
}

/// What of a request's header is needed to answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The operation.
    pub opcode: u8,
    /// Whatever the client wants to have repeated.
    pub opaque: u32,
    /// The unique to compare with; 0 is none.
    pub cas: u64,
}

impl Header {
    /// The head of an answer whose body has these lengths.
    pub fn answer(
        &self,
        status: Status,
        (extras, key, value): (usize, usize, usize),
        cas: u64,
    ) -> [u8; HEADER_LEN] {
        let mut head = [0; HEADER_LEN];
        head[0] = ANSWER;
        head[1] = self.opcode;
        head[2..4].copy_from_slice(&(key as u16).to_be_bytes());
        head[4] = extras as u8;
        head[6..8].copy_from_slice(&(status as u16).to_be_bytes());
        head[8..12].copy_from_slice(&((extras + key + value) as u32).to_be_bytes());
        head[12..16].copy_from_slice(&self.opaque.to_be_bytes());
        head[16..].copy_from_slice(&cas.to_be_bytes());
        head
    }
}

/// What the bytes read so far begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// More has to come before anything can be said.
    Partial,
    /// No binary request: whoever sends this speaks something else.
    Foreign,
    /// A request; `next` bytes are read of it. What follows of a value that is to be stored is not among them.
    Request {
        /// Its header.
        header: Header,
        /// What it asks for.
        request: Request<'a>,
        /// Where its value begins, or else the next request.
        next: usize,
    },
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// The GET and GAT families, and TOUCH.
    Get(Get<'a>),
    /// SET, ADD, REPLACE, APPEND, PREPEND; the value follows.
    Store(Store<'a>),
    /// DELETE.
    Delete {
        /// The key.
        key: &'a [u8],
        /// Is success not worth an answer?
        quiet: bool,
    },
    /// INCREMENT, DECREMENT.
    Arith(Arith<'a>),
    /// QUIT.
    Quit {
        /// Close without a word?
        quiet: bool,
    },
    /// FLUSH: the delay as sent (an absolute time if over 30 days).
    Flush {
        /// 0 is now.
        exptime: u32,
        /// Is success not worth an answer?
        quiet: bool,
    },
    /// NOOP.
    Noop,
    /// VERSION.
    Version,
    /// STAT and the words behind it.
    Stat(&'a [u8]),
    /// SASL_LIST: the mechanisms.
    SaslList,
    /// SASL_AUTH, SASL_STEP.
    Sasl(Sasl<'a>),
    /// Answered with this status.
    Refused {
        /// Which.
        status: Status,
        /// How many bytes of body to skip; with `None` the connection closes.
        skip: Option<usize>,
    },
}

/// The GET and GAT families, and TOUCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The new expiry.
    pub touch: Option<Expiry>,
    /// Is the value wanted? (Not by TOUCH.)
    pub value: bool,
    /// Is the key to be repeated?
    pub with_key: bool,
    /// Is a miss not worth an answer?
    pub quiet: bool,
}

/// SET, ADD, REPLACE, APPEND, PREPEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store<'a> {
    /// Which; a unique in the header makes any but the last two a [`Verb::Cas`].
    pub verb: Verb,
    /// The key, 1 to 250 bytes.
    pub key: &'a [u8],
    /// The client's flags.
    pub flags: u32,
    /// When it dies.
    pub expiry: Expiry,
    /// The value's length.
    pub len: usize,
    /// Does one that is too large remove the old value? (SET's does.)
    pub removes: bool,
    /// Is success not worth an answer?
    pub quiet: bool,
}

/// INCREMENT, DECREMENT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arith<'a> {
    /// The key.
    pub key: &'a [u8],
    /// Down instead of up?
    pub down: bool,
    /// By how much.
    pub delta: u64,
    /// The value of an item that is made.
    pub initial: u64,
    /// Its expiry; `None` makes none.
    pub make: Option<Expiry>,
    /// Is success not worth an answer?
    pub quiet: bool,
}

/// SASL_AUTH, SASL_STEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sasl<'a> {
    /// A later message of a conversation that has begun?
    pub step: bool,
    /// In which mechanism.
    pub mechanism: &'a [u8],
    /// The message.
    pub message: &'a [u8],
}

/// Reads the beginning of `bytes`.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    match bytes.first() {
        None => return Parsed::Partial,
        Some(&REQUEST) => {}
        Some(_) => return Parsed::Foreign,
    }
    let Some((head, body)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Parsed::Partial;
    };
    let number = |at: usize, len: usize| {
        head[at..at + len].iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    let header = Header { opcode: head[1], opaque: number(12, 4) as u32, cas: number(16, 8) };
    let (key, extras, body_len) =
        (number(2, 2) as usize, usize::from(head[4]), number(8, 4) as u32);
    let lengths = Lengths { extras, key, body: body_len as usize };
    let refused = |status, skip| Parsed::Request {
        header,
        request: Request::Refused { status, skip },
        next: HEADER_LEN,
    };
    if extras + key > lengths.body {
        return refused(Status::Unknown, None);
    }
    if key > KEY_MAX || body_len > BODY_MAX {
        return refused(Status::Invalid, None);
    }
    let (quiet, operation) = loud(header.opcode);
    match shape(operation) {
        None => return refused(Status::Unknown, Some(lengths.body)),
        Some(shape) if !shape.fits(&lengths) => return refused(Status::Invalid, None),
        Some(Shape::Sasl) if key > MECHANISM_MAX => {
            return refused(Status::Invalid, Some(lengths.body));
        }
        Some(Shape::Sasl) if lengths.value() > MESSAGE_MAX => {
            return refused(Status::NoMemory, Some(lengths.body));
        }
        Some(_) => {}
    }
    // A value that is to be stored need not be there yet; anything else must.
    let stores = matches!(shape(operation), Some(Shape::Store | Shape::Join));
    let wanted = if stores { extras + key } else { lengths.body };
    let Some(body) = body.get(..wanted) else {
        return Parsed::Partial;
    };
    let (extras, rest) = body.split_at(extras);
    let (key, value) = rest.split_at(key);
    let parts =
        Parts { operation, quiet, cas: header.cas, extras, key, value, len: lengths.value() };
    Parsed::Request { header, request: parts.request(), next: HEADER_LEN + wanted }
}

/// Is this a quiet variant, and of which operation?
fn loud(code: u8) -> (bool, u8) {
    match code {
        opcode::GETQ => (true, opcode::GET),
        opcode::GETKQ => (true, opcode::GETK),
        opcode::GATQ => (true, opcode::GAT),
        opcode::GATKQ => (true, opcode::GATK),
        opcode::APPENDQ => (true, opcode::APPEND),
        opcode::PREPENDQ => (true, opcode::PREPEND),
        opcode::SETQ..=opcode::FLUSHQ => (true, code - opcode::SETQ + opcode::SET),
        _ => (false, code),
    }
}

/// The lengths that a header tells.
struct Lengths {
    extras: usize,
    key: usize,
    body: usize,
}

impl Lengths {
    fn value(&self) -> usize {
        self.body - self.extras - self.key
    }
}

/// Which parts a request has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A key.
    Key,
    /// A key behind four bytes of expiry.
    Touch,
    /// A key behind 20 bytes of delta, initial value and expiry.
    Arith,
    /// A key and a value behind eight bytes of flags and expiry.
    Store,
    /// A key and a value.
    Join,
    /// Perhaps four bytes of expiry.
    Flush,
    /// Nothing.
    Bare,
    /// Perhaps a key.
    Stat,
    /// A mechanism and a message.
    Sasl,
}

impl Shape {
    fn fits(self, lengths: &Lengths) -> bool {
        let (extras, key, value) = (lengths.extras, lengths.key > 0, lengths.value() > 0);
        match self {
            Shape::Key => extras == 0 && key && !value,
            Shape::Touch => extras == 4 && key && !value,
            Shape::Arith => extras == 20 && key && !value,
            Shape::Store => extras == 8 && key,
            Shape::Join | Shape::Sasl => extras == 0 && key,
            Shape::Flush => (extras == 0 || extras == 4) && !key && !value,
            Shape::Bare => extras == 0 && !key && !value,
            Shape::Stat => extras == 0 && !value,
        }
    }
}

fn shape(operation: u8) -> Option<Shape> {
    Some(match operation {
        opcode::GET | opcode::GETK | opcode::DELETE => Shape::Key,
        opcode::TOUCH | opcode::GAT | opcode::GATK => Shape::Touch,
        opcode::INCREMENT | opcode::DECREMENT => Shape::Arith,
        opcode::SET | opcode::ADD | opcode::REPLACE => Shape::Store,
        opcode::APPEND | opcode::PREPEND => Shape::Join,
        opcode::FLUSH => Shape::Flush,
        opcode::QUIT | opcode::NOOP | opcode::VERSION | opcode::SASL_LIST => Shape::Bare,
        opcode::STAT => Shape::Stat,
        opcode::SASL_AUTH | opcode::SASL_STEP => Shape::Sasl,
        _ => return None,
    })
}

/// A request whose parts have the right lengths.
struct Parts<'a> {
    operation: u8,
    quiet: bool,
    cas: u64,
    extras: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
    /// The value's length, of which nothing need be there.
    len: usize,
}

impl<'a> Parts<'a> {
    /// The number in these bytes of the extras; 0 if there are none.
    fn number<const LEN: usize>(&self, at: usize) -> u64 {
        let bytes = self.extras.get(at..at + LEN).unwrap_or_default();
        bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// memcached knows no negative expiry here.
    fn expiry(&self, at: usize) -> Expiry {
        Expiry::from_exptime(self.number::<4>(at) as i64)
    }

    fn request(&self) -> Request<'a> {
        let &Parts { operation, quiet, key, .. } = self;
        match operation {
            opcode::GET | opcode::GETK => self.get(None),
            opcode::TOUCH | opcode::GAT | opcode::GATK => self.get(Some(self.expiry(0))),
            opcode::SET => self.store(Verb::Set),
            opcode::ADD => self.store(Verb::Add),
            opcode::REPLACE => self.store(Verb::Replace),
            opcode::APPEND => self.store(Verb::Append),
            opcode::PREPEND => self.store(Verb::Prepend),
            opcode::DELETE => Request::Delete { key, quiet },
            opcode::INCREMENT | opcode::DECREMENT => Request::Arith(Arith {
                key,
                down: operation == opcode::DECREMENT,
                delta: self.number::<8>(0),
                initial: self.number::<8>(8),
                make: (self.number::<4>(16) != u64::from(DO_NOT_MAKE)).then(|| self.expiry(16)),
                quiet,
            }),
            opcode::QUIT => Request::Quit { quiet },
            opcode::FLUSH => Request::Flush { exptime: self.number::<4>(0) as u32, quiet },
            opcode::NOOP => Request::Noop,
            opcode::VERSION => Request::Version,
            opcode::STAT => Request::Stat(key),
            opcode::SASL_LIST => Request::SaslList,
            _ => Request::Sasl(Sasl {
                step: operation == opcode::SASL_STEP,
                mechanism: key,
                message: self.value,
            }),
        }
    }

    fn get(&self, touch: Option<Expiry>) -> Request<'a> {
        Request::Get(Get {
            key: self.key,
            touch,
            value: self.operation != opcode::TOUCH,
            with_key: matches!(self.operation, opcode::GETK | opcode::GATK),
            quiet: self.quiet,
        })
    }

    fn store(&self, verb: Verb) -> Request<'a> {
        let joins = matches!(verb, Verb::Append | Verb::Prepend);
        Request::Store(Store {
            verb: if self.cas != 0 && !joins { Verb::Cas(self.cas) } else { verb },
            key: self.key,
            flags: self.number::<4>(0) as u32,
            expiry: self.expiry(4),
            len: self.len,
            removes: verb == Verb::Set,
            quiet: self.quiet,
        })
    }
}

/// The user and the password of a SASL PLAIN message: `[who to be] NUL user NUL password`. Being somebody else is not
/// served.
pub fn plain(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = message.split(|&byte| byte == 0);
    let (who, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let good = parts.next().is_none() && !user.is_empty() && (who.is_empty() || who == user);
    good.then_some((user, password))
}
