//! A Dockerfile, as far as a test has to understand it.

/// One instruction, its continued lines joined.
pub(crate) struct Instruction {
    pub(crate) name: String,
    pub(crate) arguments: String,
}

impl Instruction {
    /// Where a COPY takes files from, if that is the context and not another stage.
    pub(crate) fn sources(&self) -> Vec<&str> {
        let mut words: Vec<&str> = self.arguments.split_whitespace().collect();
        if self.name != "COPY" || words.iter().any(|word| word.starts_with("--from=")) {
            return Vec::new();
        }
        words.retain(|word| !word.starts_with("--"));
        words.pop();
        words
    }

    /// The shell command of a RUN, without what is for the builder.
    pub(crate) fn shell(&self) -> Option<String> {
        let words = self.arguments.split_whitespace();
        let command: Vec<&str> = words.skip_while(|word| word.starts_with("--")).collect();
        (self.name == "RUN").then(|| command.join(" "))
    }
}

/// All instructions, in order.
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
