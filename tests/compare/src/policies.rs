//! Eviction policies simulated item by item, every item of size 1: what the engine, which evicts by segments, is held
//! against. Objects are numbered, so that what is known of each stands in plain tables.

use std::collections::VecDeque;

/// A cache of the size it was made with.
pub trait Policy {
    /// Asks for an object, which is stored on a miss. Was it a hit?
    fn request(&mut self, object: u32) -> bool;
}

pub(crate) const NONE: u32 = u32::MAX;

/// A doubly linked list of objects.
pub(crate) struct List {
    /// Of each object: the one nearer to the head, the one nearer to the tail.
    links: Vec<[u32; 2]>,
    head: u32,
    pub(crate) tail: u32,
}

impl List {
    pub(crate) fn new(objects: usize) -> List {
        List { links: vec![[NONE; 2]; objects], head: NONE, tail: NONE }
    }

    pub(crate) fn push_head(&mut self, object: u32) {
        self.links[object as usize] = [NONE, self.head];
        match self.head {
            NONE => self.tail = object,
            old => self.links[old as usize][0] = object,
        }
        self.head = object;
    }

    pub(crate) fn remove(&mut self, object: u32) {
        let [before, behind] = self.links[object as usize];
        match before {
            NONE => self.head = behind,
            _ => self.links[before as usize][1] = behind,
        }
        match behind {
            NONE => self.tail = before,
            _ => self.links[behind as usize][0] = before,
        }
    }

    fn before(&self, object: u32) -> u32 {
        self.links[object as usize][0]
    }
}

/// Strict LRU.
pub struct Lru {
    capacity: usize,
    len: usize,
    held: Vec<bool>,
    list: List,
}

impl Lru {
    /// For so many entries, of so many objects.
    pub fn new(capacity: usize, objects: usize) -> Lru {
        Lru { capacity, len: 0, held: vec![false; objects], list: List::new(objects) }
    }
}

impl Policy for Lru {
    fn request(&mut self, object: u32) -> bool {
        let hit = self.held[object as usize];
        if hit {
            self.list.remove(object);
        } else if self.len == self.capacity {
            let victim = self.list.tail;
            self.list.remove(victim);
            self.held[victim as usize] = false;
        } else {
            self.len += 1;
        }
        self.held[object as usize] = true;
        self.list.push_head(object);
        hit
    }
}

/// CLOCK: a queue whose front gets a second chance if it was read since it last stood there.
pub struct Clock {
    capacity: usize,
    queue: VecDeque<u32>,
    held: Vec<bool>,
    read: Vec<bool>,
}

impl Clock {
    /// For so many entries, of so many objects.
    pub fn new(capacity: usize, objects: usize) -> Clock {
        let (held, read) = (vec![false; objects], vec![false; objects]);
        Clock { capacity, queue: VecDeque::new(), held, read }
    }
}

impl Policy for Clock {
    fn request(&mut self, object: u32) -> bool {
        if self.held[object as usize] {
            self.read[object as usize] = true;
            return true;
        }
        while self.queue.len() >= self.capacity {
            let Some(front) = self.queue.pop_front() else { break };
            if std::mem::take(&mut self.read[front as usize]) {
                self.queue.push_back(front);
            } else {
                self.held[front as usize] = false;
            }
        }
        self.queue.push_back(object);
        self.held[object as usize] = true;
        false
    }
}

/// SIEVE (Zhang et al., NSDI'24): a queue in which a hand goes from the tail to the head, passes what was read since
/// it last came by, and takes the first that was not. Nothing moves.
pub struct Sieve {
    capacity: usize,
    len: usize,
    held: Vec<bool>,
    read: Vec<bool>,
    list: List,
    hand: u32,
}

impl Sieve {
    /// For so many entries, of so many objects.
    pub fn new(capacity: usize, objects: usize) -> Sieve {
        let (held, read) = (vec![false; objects], vec![false; objects]);
        Sieve { capacity, len: 0, held, read, list: List::new(objects), hand: NONE }
    }

    fn evict(&mut self) {
        let mut at = self.hand;
        loop {
            if at == NONE {
                at = self.list.tail;
            }
            if !std::mem::take(&mut self.read[at as usize]) {
                break;
            }
            at = self.list.before(at);
        }
        self.hand = self.list.before(at);
        self.list.remove(at);
        self.held[at as usize] = false;
        self.len -= 1;
    }
}

impl Policy for Sieve {
    fn request(&mut self, object: u32) -> bool {
        if self.held[object as usize] {
            self.read[object as usize] = true;
            return true;
        }
        if self.len == self.capacity {
            self.evict();
        }
        self.list.push_head(object);
        self.held[object as usize] = true;
        self.len += 1;
        false
    }
}

/// S3-FIFO (Yang et al., SOSP'23): a small queue of a tenth, a main queue, and a queue of ghosts, which are keys alone,
/// as many as the main queue has room for. What was read more than once leaves the small queue for the main one, else
/// it becomes a ghost; a miss on a ghost goes to the main queue at once; the front of the main queue goes round again
/// for each of up to three reads.
pub struct S3Fifo {
    capacity: usize,
    small_capacity: usize,
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    held: Vec<bool>,
    /// Reads since it was stored or promoted, up to 3; in the main queue one less for each round.
    reads: Vec<u8>,
    ghosts: Ghosts,
}

impl S3Fifo {
    /// For so many entries, of so many objects.
    pub fn new(capacity: usize, objects: usize) -> S3Fifo {
        let small_capacity = (capacity / 10).max(1);
        S3Fifo {
            capacity,
            small_capacity,
            small: VecDeque::new(),
            main: VecDeque::new(),
            held: vec![false; objects],
            reads: vec![0; objects],
            ghosts: Ghosts::new(capacity - small_capacity, objects),
        }
    }

    /// Takes from the small queue until one entry is gone, or all were promoted.
    fn evict_small(&mut self) {
        while let Some(front) = self.small.pop_front() {
            if std::mem::take(&mut self.reads[front as usize]) > 1 {
                self.main.push_back(front);
                continue;
            }
            self.held[front as usize] = false;
            self.ghosts.insert(front);
            return;
        }
    }

    fn evict_main(&mut self) {
        while let Some(front) = self.main.pop_front() {
            let reads = &mut self.reads[front as usize];
            if *reads == 0 {
                self.held[front as usize] = false;
                return;
            }
            *reads -= 1;
            self.main.push_back(front);
        }
    }
}

impl Policy for S3Fifo {
    fn request(&mut self, object: u32) -> bool {
        if self.held[object as usize] {
            let reads = &mut self.reads[object as usize];
            *reads = (*reads + 1).min(3);
            return true;
        }
        while self.small.len() + self.main.len() >= self.capacity {
            if self.small.len() >= self.small_capacity {
                self.evict_small();
            } else {
                self.evict_main();
            }
        }
        if self.ghosts.take(object) {
            self.main.push_back(object);
        } else {
            self.small.push_back(object);
        }
        self.held[object as usize] = true;
        self.reads[object as usize] = 0;
        false
    }
}

/// The last so many objects that were evicted and not taken back.
struct Ghosts {
    capacity: usize,
    len: usize,
    /// With the number of the insertion, by which what was taken back is known.
    queue: VecDeque<(u32, u32)>,
    /// Of each object its insertion, 0 when it is no ghost.
    inserted: Vec<u32>,
    insertions: u32,
}

impl Ghosts {
    fn new(capacity: usize, objects: usize) -> Ghosts {
        let inserted = vec![0; objects];
        Ghosts { capacity, len: 0, queue: VecDeque::new(), inserted, insertions: 0 }
    }

    fn insert(&mut self, object: u32) {
        self.insertions += 1;
        self.inserted[object as usize] = self.insertions;
        self.queue.push_back((object, self.insertions));
        self.len += 1;
        while self.len > self.capacity
            && let Some((oldest, insertion)) = self.queue.pop_front()
        {
            if self.inserted[oldest as usize] == insertion {
                self.inserted[oldest as usize] = 0;
                self.len -= 1;
            }
        }
    }

    /// Was it a ghost? It is none from now on.
    fn take(&mut self, object: u32) -> bool {
        let ghost = std::mem::take(&mut self.inserted[object as usize]) != 0;
        // Not `len -= usize::from(ghost)`: rustc 1.95 compiles that wrongly (rust-lang/rust#158206).
        if ghost {
            self.len -= 1;
        }
        ghost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that hit, worked out by hand: `h` or `.` for each.
    fn run(mut policy: impl Policy, requests: &[u32]) -> String {
        requests.iter().map(|object| if policy.request(*object) { 'h' } else { '.' }).collect()
    }

    #[test]
    fn lru_drops_what_was_asked_for_longest_ago() {
        // 3 puts out 2, because 1 was asked for since; 2 then puts out 1.
        assert_eq!(run(Lru::new(2, 9), &[1, 2, 1, 3, 2, 3, 1]), "..h..h.");
        assert_eq!(run(Lru::new(1, 9), &[1, 1, 2, 1]), ".h..");
    }

    #[test]
    fn clock_gives_a_second_chance() {
        // 3 finds 1 read and 2 not: 2 goes. 4 finds 1 read once more, and takes 3 although it is younger.
        assert_eq!(run(Clock::new(2, 9), &[1, 2, 1, 3, 1, 4, 3]), "..h.h..");
    }

    #[test]
    fn sieve_keeps_what_was_read_in_its_place() {
        // Queue 3 2 1 with 1 read: 4 passes 1 and takes 2; the hand stands at 3, which 5 takes although 1 is older.
        assert_eq!(run(Sieve::new(3, 9), &[1, 2, 3, 1, 4, 5, 1, 4, 2]), "...h..hh.");
    }

    #[test]
    fn s3_fifo_promotes_and_remembers() {
        // Room for 1 in the small queue and 9 ghosts. 0 is read twice: when 10 comes, 0 is promoted and 1 evicted;
        // 1 is a ghost, so that its return goes to the main queue, and 2 is evicted for it.
        let first: Vec<u32> = (0..10).collect();
        let requests = [&first[..], &[0, 0, 10, 1, 0, 2]].concat();
        assert_eq!(run(S3Fifo::new(10, 20), &requests), "..........hh..h.");
        // One read is not enough.
        let requests = [&first[..], &[0, 10, 0]].concat();
        assert_eq!(run(S3Fifo::new(10, 20), &requests), "..........h..");
    }

    #[test]
    fn ghosts_are_the_last_ones_not_taken_back() {
        let mut ghosts = Ghosts::new(2, 9);
        [1, 2].into_iter().for_each(|object| ghosts.insert(object));
        assert!(ghosts.take(1) && !ghosts.take(1));
        // The place of 1 is free: 2 stays when 3 comes, and goes when 4 comes.
        [3, 4].into_iter().for_each(|object| ghosts.insert(object));
        assert!(!ghosts.take(2) && ghosts.take(3) && ghosts.take(4));
    }
}
