//! The meta commands over a socket, where one reply alone does not show it: pipelines of quiet commands that end in a
//! no-op, flags of one command beside another's, binary keys, time, and a server without uniques.

mod common;

use common::Daemon;

#[test]
fn quiet_commands_are_silent_about_what_was_to_be_expected() {
    let daemon = Daemon::start(&["-t", "1"]);
    let long = "x".repeat(32);
    for (request, reply) in [
        // A miss of mg, a success of the others; the no-op tells that all is done.
        ("mg a v q\r\nms a 1 q\r\nx\r\nmd a q\r\nma n N0 q\r\nma n q v\r\nmn\r\n", "MN\r\n"),
        // What was not to be expected.
        (
            "ms a 1 q\r\nx\r\nmg a v q k O1\r\nms a 1 q ME O2\r\nx\r\nms z 1 q MR k\r\nx\r\nms a 1 q C1\r\nx\r\n\
             ms z 1 q C1\r\nx\r\nmd a q C1\r\nmd z q O3\r\nma z q\r\nma a q\r\nmn\r\n",
            "VA 1 ka O1\r\nx\r\nNS O2\r\nNS kz\r\nEX\r\nNF\r\nEX\r\nNF O3\r\nNF\r\n\
             CLIENT_ERROR cannot increment or decrement non-numeric value\r\nMN\r\n",
        ),
        // Errors are never kept back.
        (
            &format!(
                "mg a q y\r\nms a 1 q y\r\nx\r\nms a 1 q O{long}\r\nx\r\nms a 1 q\r\nxx\r\nmg a\r\nmd a q Cx\r\nma a q Cx\r\nmn\r\n"
            ),
            "CLIENT_ERROR invalid flag\r\nCLIENT_ERROR invalid flag\r\nCLIENT_ERROR opaque token too long\r\n\
             CLIENT_ERROR bad data chunk\r\nCLIENT_ERROR bad command line format\r\nEN\r\n\
             CLIENT_ERROR bad token in command line format\r\nCLIENT_ERROR invalid or duplicate flag\r\nMN\r\n",
        ),
    ] {
        daemon.converse(request, reply);
    }
}

#[test]
fn a_long_quiet_pipeline_answers_the_hits_in_order() {
    let daemon = Daemon::start(&["-t", "1"]);
    let (mut request, mut reply) = (String::new(), String::new());
    for number in 0..2000 {
        request.push_str(&format!("ms key{number} 4 q T0\r\n{number:04}\r\n"));
    }
    for number in (0..4000).step_by(3) {
        request.push_str(&format!("mg key{number} v q k O{number}\r\n"));
        if number < 2000 {
            reply.push_str(&format!("VA 4 kkey{number} O{number}\r\n{number:04}\r\n"));
        }
    }
    request.push_str("mn\r\n");
    reply.push_str("MN\r\n");
    daemon.converse(&request, &reply);
}

#[test]
fn flags_of_the_storing_commands() {
    let daemon = Daemon::start(&["--debug-clock"]);
    for (request, reply) in [
        // Stored behind and before: the whole length, the item's own flags and lifetime.
        (
            "ms a 2 F5 T90\r\nhi\r\nms a 1 MA s F6 T10\r\n!\r\nms a 1 MP s Ox k\r\n>\r\nmg a v f t s\r\n",
            "HD\r\nHD s3\r\nHD s4 Ox ka\r\nVA 4 f5 t90 s4\r\n>hi!\r\n",
        ),
        // Uniques chosen by the caller, and stale stores of earlier ones.
        (
            "ms a 1 E50 c T60\r\nx\r\nms a 1 C49\r\ny\r\nms a 1 C50 E51 c\r\ny\r\nms a 1 C50 I E52 c T5\r\nz\r\n\
             mg a v c t\r\nmg a c\r\nms a 1 C53 I\r\nw\r\nmd a C52\r\n",
            "HD c50\r\nEX\r\nHD c51\r\nHD c52\r\nVA 1 c52 t-1 X W\r\nz\r\nHD c52 Z X\r\nEX\r\nHD\r\n",
        ),
        // mg C: the client has it already.
        ("ms a 1 E7\r\nx\r\nmg a v c C7\r\nmg a v c C8\r\n", "HD\r\nHD c7\r\nVA 1 c7\r\nx\r\n"),
        // md: emptied, stale, or gone.
        (
            "ms a 1 E9 F3 T30\r\nx\r\nmd a x\r\nmg a v c f s\r\nmd a I E10 T40 q\r\nmg a c t\r\nmd a\r\nmd a k Oq\r\n",
            "HD\r\nHD\r\nVA 0 c9 f0 s0\r\n\r\nHD c10 t40 X W\r\nHD\r\nNF ka Oq\r\n",
        ),
        // ma: made, counted, compared.
        (
            "ma n\r\nma n N60 J5 E3 v c t\r\nma n C4 k\r\nma n C3 E8 c D10 v\r\nma n MD D20 v\r\nma n M- v\r\nma n MI T20 t v\r\n",
            "NF\r\nVA 1 c3 t60\r\n5\r\nEX kn\r\nVA 2 c8\r\n15\r\nVA 1\r\n0\r\nVA 1\r\n0\r\nVA 1 t20\r\n1\r\n",
        ),
        // A value whose line is wrong is skipped, whatever it looks like.
        ("ms a 3 MX q\r\nmn\n\r\nmn\r\n", "CLIENT_ERROR invalid mode for ms M token\r\nMN\r\n"),
    ] {
        daemon.converse(request, reply);
    }
}

#[test]
fn too_large_removes_the_old_value_in_every_mode() {
    let daemon = Daemon::start(&["-t", "1"]);
    let large = "x".repeat(2_000_000);
    for mode in ["MS", "ME", "MA", "MP", "MR"] {
        let request =
            format!("ms Zm9v 1 b\r\nx\r\nms Zm9v 2000000 b q {mode}\r\n{large}\r\nmg foo\r\n");
        daemon.converse(&request, "HD\r\nSERVER_ERROR object too large for cache\r\nEN\r\n");
    }
}

#[test]
fn accesses_are_told() {
    let daemon = Daemon::start(&["--debug-clock"]);
    daemon.converse("ms a 2 T1000 E7\r\nhi\r\ndebugtime 100\r\nmg a h l t u\r\nmg a h l\r\ndebugtime 30\r\nme a\r\nmg a h l s\r\nme b\r\n",
        "HD\r\nOK\r\nHD h0 l100 t900\r\nHD h0 l100\r\nOK\r\n\
         ME a exp=870 la=30 cas=7 fetch=yes cls=1 size=62\r\nHD h1 l30 s2\r\nEN\r\n",
    );
}

#[test]
fn binary_keys_are_shown_as_base64() {
    let daemon = Daemon::start(&["-t", "1"]);
    // The key is `a b`, a line end and a 0 byte.
    for (request, reply) in [
        (
            "ms YSBiCgA= 1 b k E5\r\nx\r\nmg YSBiCgA= b k v\r\nme YSBiCgA= b\r\nmd YSBiCgA= b k\r\nmg YSBiCgA= k b\r\n",
            "HD kYSBiCgA= b\r\nVA 1 kYSBiCgA= b\r\nx\r\nME YSBiCgA= exp=-1 la=0 cas=5 fetch=yes cls=1 size=65\r\n\
             HD kYSBiCgA= b\r\nEN kYSBiCgA= b\r\n",
        ),
        // Made by a get or by counting, it is binary too; asked for by its bytes, it is still shown so.
        (
            "mg Zm9v b N0 k\r\nmg foo k\r\nget foo\r\n",
            "HD kZm9v b W\r\nHD kZm9v b Z\r\nVALUE foo 0 0\r\n\r\nEND\r\n",
        ),
        (
            "ma Zm9v b N0 J5 k v\r\nma foo k v\r\nmg foo k\r\n",
            "VA 1 kZm9v b\r\n5\r\nVA 1 kfoo\r\n6\r\nHD kZm9v b\r\n",
        ),
        ("set foo 0 0 1\r\nx\r\nmg Zm9v b k\r\n", "STORED\r\nHD kfoo\r\n"),
        (
            "ms foo 1 b\r\nx\r\nma foo b\r\nmd foo b\r\nme foo b\r\n",
            "CLIENT_ERROR error decoding key\r\nCLIENT_ERROR invalid or duplicate flag\r\n\
          CLIENT_ERROR error decoding key\r\nCLIENT_ERROR bad command line format\r\n",
        ),
    ] {
        daemon.converse(request, reply);
    }
}

#[test]
fn without_uniques_none_matches() {
    let daemon = Daemon::start(&["-C"]);
    daemon.converse("ms a 1 c E5\r\n1\r\nmg a c C5 v\r\nms a 1 C5\r\nx\r\nms z 1 C5\r\nx\r\nma a C5\r\nma z C5\r\nma a c v\r\n\
         md a C5\r\nmd z C5\r\nmd a C0\r\n",
        "HD c0\r\nVA 1 c0\r\n1\r\nEX\r\nNF\r\nEX\r\nNF\r\nVA 1 c0\r\n2\r\nEX\r\nNF\r\nHD\r\n",
    );
}

#[test]
fn flags_of_a_get_are_obeyed_in_their_order() {
    let daemon = Daemon::start(&["--debug-clock"]);
    // Measured at memcached 1.6.18.
    for (request, reply) in [
        // t shows what is left when it comes.
        (
            "ms a 1 T100\r\nx\r\nmg a t T50 f\r\nmg a T40 t\r\nmg a t\r\n",
            "HD\r\nHD t100 f0\r\nHD t40\r\nHD t40\r\n",
        ),
        (
            "set a 0 0 1\r\nx\r\nmg a t T5\r\nmg a t T0\r\nmg a t\r\n",
            "STORED\r\nHD t-1\r\nHD t5\r\nHD t-1\r\n",
        ),
        // R judges what is left when it comes.
        ("set a 0 100 1\r\nx\r\nmg a t T50 R60\r\n", "STORED\r\nHD t100 W\r\n"),
        ("set a 0 100 1\r\nx\r\nmg a R60 T50 t\r\n", "STORED\r\nHD t50\r\n"),
        ("set a 0 10 1\r\nx\r\nmg a T100 R60 t\r\n", "STORED\r\nHD t100\r\n"),
        ("set a 0 10 1\r\nx\r\nmg a R60 T100 t\r\n", "STORED\r\nHD t100 W\r\n"),
        // An item that a get has made was fetched by it.
        ("mg a N10 h t\r\nmg a h t\r\n", "HD h0 t10 W\r\nHD h1 t10 Z\r\n"),
    ] {
        daemon.converse(request, reply);
    }
}
