//! A parser for the parts of a Dockerfile that the tests need.

/// An instruction, with continued lines joined.
pub(crate) struct Instruction {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Instruction {
    /// Returns the sources of a COPY from the context, and nothing for a COPY from another stage.
    pub(crate) fn sources(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.arguments.split_whitespace().collect();
        if self.name != "COPY" || words.iter().any(|word| word.starts_with("--from=")) {
            return Vec::new();
        }
        words.retain(|word| !word.starts_with("--"));
        words.pop();
        words
    }

    /// Returns the shell command of a RUN, without the flags for the builder.
    pub(crate) fn shell(&self) -> Option<String> {
        let words = self.arguments.split_whitespace();
        let command: Vec<&str> = words.skip_while(|word| word.starts_with("--")).collect();
        (self.name == "RUN").then(|| command.join(" "))
    }
}

/// Returns all instructions in order.
pub(crate) fn instructions(dockerfile: &str) -> Vec<Instruction> {
    let lines = dockerfile.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let instruction = |line: &str| {
        let (name, arguments) = line.trim().split_once(' ')?;
        Some(Instruction {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        })
    };
    joined.lines().filter_map(instruction).collect()
}
