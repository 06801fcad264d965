//! `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`.

use super::super::Name;
use super::super::collect::Source;
use super::Token;
use super::generate::{Range, substitute};
use super::head::ttl_at;
use super::lex::{Entry, Lexer};
use super::reader::{Owner, ZoneReader, span_of};
use super::report::Text;
use super::schema::{self, Problem};

impl<'a> ZoneReader<'a, '_> {
    /// Does what a line that begins with `$` says.
    pub(super) fn read_directive(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Problem> {
        let word = entry.tokens.first().map(|token| token.text.to_ascii_uppercase()).unwrap_or_default();
        let count = |least: usize, most: usize, usage: &str| {
            let found = entry.tokens.len() - 1;
            let at = if found > most { Some(most + 1) } else { None };
            let what = if found > most { "too many arguments" } else { "an argument is missing" };
            if (least..=most).contains(&found) {
                return Ok(());
            }
            let problem = Problem { token: at, ..Problem::behind("zone-directive", what) };
            Err(problem.help(format!("it is written `{usage}`")))
        };
        match word.as_slice() {
            b"$ORIGIN" => {
                count(1, 1, "$ORIGIN name")?;
                self.origin = Some(self.name_at(entry, 1, "origin")?);
                self.is_guessed = false;
            }
            b"$TTL" => {
                count(1, 1, "$TTL seconds")?;
                self.default_ttl = Some(ttl_at(entry, 1)?);
            }
            b"$INCLUDE" => {
                count(1, 2, "$INCLUDE file [origin]")?;
                self.include(file, entry)?;
            }
            b"$GENERATE" => {
                count(3, usize::MAX - 1, "$GENERATE from-to[/step] owner [ttl] [class] type rdata")?;
                self.generate(file, entry)?;
            }
            _ => {
                let shown = entry.tokens.first().map(Token::shown).unwrap_or_default();
                return Err(Problem::at(0, "zone-directive", format!("{shown} is no directive")).help(
                    "there are $ORIGIN, $TTL, $INCLUDE and $GENERATE; an owner that begins with $ is written \\$",
                ));
            }
        }
        Ok(())
    }

    fn include(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Problem> {
        let path = entry.tokens.get(1).and_then(Token::decoded).and_then(|path| String::from_utf8(path).ok());
        let fail = |message: String| Problem::at(1, "zone-include", message);
        let path = path.ok_or_else(|| fail("the file's name is not UTF-8 or has a bad escape".to_owned()))?;
        let origin = match entry.tokens.get(2) {
            Some(_) => Some(self.name_at(entry, 2, "origin")?),
            None => self.origin.clone(),
        };
        // The file that says this is a zone file, whatever comes of it.
        self.understood += 1;
        let depth = self.limits.depth;
        if self.open.len() > depth {
            return Err(fail(format!("files include each other more than {depth} deep")));
        }
        let (name, text) = self
            .sources
            .read(&self.report.file_name(file), &path)
            .map_err(|error| fail(format!("`{path}` cannot be included: {error}")))?;
        if self.open.iter().any(|open| **open == *name) {
            return Err(fail(format!("`{name}` includes itself")));
        }
        // RFC 1035 §5.1: what the included file does to origin and owner ends with it.
        let outer_origin = std::mem::replace(&mut self.origin, origin);
        let outer_owner = std::mem::replace(&mut self.owner, Owner::None);
        let understood = self.understood;
        let included = self.read_file(&name, &Text::Included(text.into()));
        self.origin = outer_origin;
        self.owner = outer_owner;
        // What is no zone file may be a key: nothing of it is shown.
        let withdrawn = included.filter(|_| self.understood == understood).map_or(0, |file| self.report.withdraw(file));
        if withdrawn > 0 {
            let problem = fail(format!("`{path}` cannot be included: no line of it is one of a zone file"));
            return Err(problem.help("name a file of records; `understudy check` tells what is wrong in it"));
        }
        Ok(())
    }

    fn generate(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Problem> {
        let fail = |token: usize, message: String| Problem::at(token, "zone-generate", message);
        let shown = entry.tokens.get(1).map(Token::shown).unwrap_or_default();
        let range = entry.tokens.get(1).and_then(Token::word).and_then(Range::read);
        let range = range
            .ok_or_else(|| fail(1, format!("{shown} is no range")).help("from-to or from-to/step, such as 1-254"))?;
        self.generated = self.generated.saturating_add(range.count());
        let most = self.limits.generated;
        if self.generated > most {
            return Err(fail(1, format!("$GENERATE makes more than {most} records")));
        }
        let mut template = Vec::new();
        for token in entry.tokens.get(2..).unwrap_or_default() {
            let quote: &[u8] = if token.quoted { b"\"" } else { b"" };
            template.extend_from_slice(&[quote, token.text, quote, b" "].concat());
        }
        let source = Source { file, offset: entry.spans.first().map_or(0, |span| span.begin) };
        let mut line = Vec::new();
        for value in range.values() {
            line.clear();
            substitute(&template, value, &mut line).map_err(|message| fail(2, message))?;
            self.octets_read = self.octets_read.saturating_add(line.len());
            let most = self.limits.text;
            if self.octets_read > most {
                return Err(fail(0, format!("with these records the zone's text has more than {most} octets")));
            }
            let mut made = Entry::default();
            let cut = Lexer::new(&line).next(&mut made).map_err(|fault| fault.message.to_owned());
            // The directive's line stands for what it makes.
            made.spans = vec![span_of(entry, Some(0)); made.tokens.len()];
            cut.map_err(|message| fail(0, message)).and_then(|_| self.read_record(&made, source)).map_err(
                |problem| {
                    let text = String::from_utf8_lossy(&line).trim().to_owned();
                    let message = format!("in `{text}`, made for {value}: {}", problem.message);
                    Problem { token: Some(0), message, ..problem }
                },
            )?;
        }
        Ok(())
    }

    fn name_at(&self, entry: &Entry<'_>, at: usize, what: &str) -> Result<Name, Problem> {
        let token =
            entry.tokens.get(at).ok_or_else(|| Problem::behind("zone-name", format!("the {what} is missing")))?;
        Name::parse(token.text, self.origin.as_ref()).map_err(|error| schema::name_problem(what, token, error, at))
    }
}
