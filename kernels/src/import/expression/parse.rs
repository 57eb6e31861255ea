//! Text to tree, by the grammar of OpenMM's Lepton: `value; name = definition; …`, + − * / ^, calls, numbers; ^ binds to the right and before a sign.

/// Longest text, bytes.
const TEXT_MAX: usize = 16_384;
/// Parentheses, signs and powers inside each other.
const DEPTH_MAX: usize = 64;

/// A parsed formula.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) struct Formula {
    /// What it is.
    pub(in crate::import) value: Node,
    /// Names and what they stand for; each may use those that come later.
    pub(in crate::import) definitions: Vec<(String, Node)>,
}

/// Part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::import) enum Node {
    /// A number.
    Number(f64),
    /// A parameter, a variable or a definition.
    Name(String),
    /// The negative of something.
    Minus(Box<Node>),
    /// Two parts and what joins them.
    Binary(Operator, Box<Node>, Box<Node>),
    /// A function and its arguments.
    Call(String, Vec<Node>),
}

/// What joins two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::import) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Formula {
    /// Parse.
    ///
    /// # Errors
    /// It is too long, too deep, or broken; the message says where.
    pub(in crate::import) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEXT_MAX {
            return Err(format!("it has {} bytes, expected at most {TEXT_MAX}", text.len()));
        }
        let mut parts = text.split(';').filter(|part| !part.trim().is_empty());
        let value = whole(parts.next().ok_or("it is empty")?)?;
        let definition = |part: &str| {
            let (name, text) = part
                .split_once('=')
                .ok_or_else(|| format!("'{}' is no definition", part.trim()))?;
            let name = name.trim();
            let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(in_name);
            if !good {
                return Err(format!("'{name}' is no name"));
            }
            Ok((name.to_owned(), whole(text)?))
        };
        let definitions = parts.map(definition).collect::<Result<_, _>>()?;
        Ok(Self { value, definitions })
    }

    /// Whether a function is called anywhere.
    pub(in crate::import) fn calls(&self, name: &str) -> bool {
        self.definitions.iter().any(|(_, node)| node.calls(name)) || self.value.calls(name)
    }
}

impl Node {
    fn calls(&self, name: &str) -> bool {
        match self {
            Self::Number(_) | Self::Name(_) => false,
            Self::Minus(inner) => inner.calls(name),
            Self::Binary(_, left, right) => left.calls(name) || right.calls(name),
            Self::Call(function, arguments) => function == name || arguments.iter().any(|argument| argument.calls(name)),
        }
    }
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn whole(text: &str) -> Result<Node, String> {
    let mut parser = Parser {
        bytes: text.as_bytes(),
        at: 0,
        depth: 0,
    };
    let node = parser.sum()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.broken()),
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn broken(&self) -> String {
        let rest = String::from_utf8_lossy(&self.bytes[self.at.min(self.bytes.len())..]);
        match rest.trim() {
            "" => "it ends too early".into(),
            rest => format!("it is broken at '{}'", rest.chars().take(30).collect::<String>()),
        }
    }

    /// One level deeper.
    fn deeper(&mut self, inner: fn(&mut Self) -> Result<Node, String>) -> Result<Node, String> {
        if self.depth == DEPTH_MAX {
            return Err(format!("it is nested deeper than {DEPTH_MAX}"));
        }
        self.depth += 1;
        let node = inner(self);
        self.depth -= 1;
        node
    }

    fn sum(&mut self) -> Result<Node, String> {
        let mut node = self.product()?;
        loop {
            let operator = match self.peek() {
                Some(b'+') => Operator::Add,
                Some(b'-') => Operator::Subtract,
                _ => return Ok(node),
            };
            self.at += 1;
            node = Node::Binary(operator, Box::new(node), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Node, String> {
        let mut node = self.signed()?;
        loop {
            let operator = match self.peek() {
                Some(b'*') => Operator::Multiply,
                Some(b'/') => Operator::Divide,
                _ => return Ok(node),
            };
            self.at += 1;
            node = Node::Binary(operator, Box::new(node), Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Node, String> {
        if self.take(b'-') {
            return Ok(Node::Minus(Box::new(self.deeper(Self::signed)?)));
        }
        if self.take(b'+') {
            return self.deeper(Self::signed);
        }
        let base = self.atom()?;
        if self.take(b'^') {
            let exponent = self.deeper(Self::signed)?;
            return Ok(Node::Binary(Operator::Power, Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Node, String> {
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                let node = self.deeper(Self::sum)?;
                if self.take(b')') { Ok(node) } else { Err(self.broken()) }
            }
            Some(byte) if byte.is_ascii_digit() || byte == b'.' => self.number(),
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let start = self.at;
                while self.bytes.get(self.at).copied().is_some_and(in_name) {
                    self.at += 1;
                }
                let name = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
                if !self.take(b'(') {
                    return Ok(Node::Name(name));
                }
                let mut arguments = vec![self.deeper(Self::sum)?];
                while self.take(b',') {
                    arguments.push(self.deeper(Self::sum)?);
                }
                if self.take(b')') {
                    Ok(Node::Call(name, arguments))
                } else {
                    Err(self.broken())
                }
            }
            _ => Err(self.broken()),
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        let start = self.at;
        let digits = |parser: &mut Self| {
            while parser
                .bytes
                .get(parser.at)
                .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
            {
                parser.at += 1;
            }
        };
        digits(self);
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-')));
            if self.bytes.get(self.at + 1 + sign).is_some_and(u8::is_ascii_digit) {
                self.at += 1 + sign;
                digits(self);
            }
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
        match text.parse() {
            Ok(number) => Ok(Node::Number(number)),
            Err(_) => Err(format!("'{text}' is no number")),
        }
    }
}
