//! What the server says on standard error. The standard `eprintln!` panics when nobody reads any more at the other end
//! of a pipe; a server whose log collector is restarted must go on. So the crate's own takes the name's place.

/// Writes a line to standard error, if that can be written.
macro_rules! eprintln {
    ($($words:tt)*) => {{
        use ::std::io::Write as _;
        let _ = ::std::writeln!(::std::io::stderr().lock(), $($words)*);
    }};
}
