#include "query/control_alter.h"

#include <string>

namespace freshet::query {
namespace {

constexpr const char* collection_forms = "ALTER COLLECTION name PAUSE | RESUME | RESYNC";
constexpr const char* source_forms =
    "ALTER SOURCE name ADD TABLE pattern [, …] | DROP TABLE pattern [, …] | RESYNC";

// The tokens of one ALTER statement, front to back.
class Reader {
 public:
  Reader(std::string_view sql, const std::vector<Token>& tokens, const char* forms)
      : sql_(sql), tokens_(tokens), forms_(forms) {}

  bool at_end() const { return at_ >= tokens_.size(); }
  bool take(std::string_view word) {
    if (at_end() || !tokens_[at_].is(word)) return false;
    ++at_;
    return true;
  }
  Result<Word> name() {
    if (at_end() || !tokens_[at_].is_name()) return unexpected();
    const Token& token = tokens_[at_++];
    return Word{token.name(), static_cast<int>(token.begin) + 1};
  }
  // What lies between two commas, as it is written or inside quotes: public.*, 'public.*'.
  Result<Word> pattern() {
    if (at_end()) return unexpected();
    const Token& first = tokens_[at_];
    Word word{.text = {}, .position = static_cast<int>(first.begin) + 1};
    if (first.kind == TokenKind::String) {
      ++at_;
      word.text = first.string_value();
      return word;
    }
    std::size_t end = first.begin;
    while (!at_end() && !tokens_[at_].is(",") && tokens_[at_].begin == end) {
      end = tokens_[at_++].end();
    }
    word.text = sql_.substr(first.begin, end - first.begin);
    if (word.text.empty()) return unexpected();
    return word;
  }
  Error unexpected() const {
    Error error{.sqlstate = "42601",
                .message = "syntax error at end of input",
                .hint = std::string(forms_)};
    if (at_end()) return error;
    error.message = "syntax error at or near \"" + std::string(tokens_[at_].text) + "\"";
    error.position = static_cast<int>(tokens_[at_].begin) + 1;
    return error;
  }
  Result<> done() const {
    if (at_end()) return {};
    return unexpected();
  }

 private:
  std::string_view sql_;
  const std::vector<Token>& tokens_;
  const char* forms_;
  std::size_t at_ = 2;  // behind ALTER and what is altered
};

// [[source.]schema.]name
Result<Command> parse_collection(Reader reader) {
  AlterCollection command;
  command.name = TRY(reader.name());
  for (int more = 0; more < 2 && reader.take("."); ++more) {
    command.source = std::move(command.schema);
    command.schema = std::move(command.name.text);
    const int position = command.name.position;
    command.name = TRY(reader.name());
    command.name.position = position;
  }
  if (reader.take("pause")) {
    command.action = AlterCollection::Action::Pause;
  } else if (reader.take("resume")) {
    command.action = AlterCollection::Action::Resume;
  } else if (reader.take("resync")) {
    command.action = AlterCollection::Action::Resync;
  } else {
    return reader.unexpected();
  }
  TRY(reader.done());
  return Command(std::move(command));
}

Result<Command> parse_source(Reader reader) {
  AlterSource command;
  command.name = TRY(reader.name());
  if (reader.take("resync")) {
    TRY(reader.done());
    return Command(ResyncSource{.name = std::move(command.name)});
  }
  if (reader.take("add")) {
    command.action = AlterSource::Action::AddTables;
  } else if (reader.take("drop")) {
    command.action = AlterSource::Action::DropTables;
  } else {
    return reader.unexpected();
  }
  if (!reader.take("table") && !reader.take("tables")) return reader.unexpected();
  do {
    command.patterns.push_back(TRY(reader.pattern()));
  } while (reader.take(","));
  TRY(reader.done());
  return Command(std::move(command));
}

}  // namespace

Result<std::optional<Command>> parse_alter(std::string_view sql, const std::vector<Token>& tokens) {
  const auto is = [&](const char* what) { return tokens.size() > 1 && tokens[1].is(what); };
  if (is("collection")) {
    return std::optional(TRY(parse_collection(Reader(sql, tokens, collection_forms))));
  }
  if (is("source")) return std::optional(TRY(parse_source(Reader(sql, tokens, source_forms))));
  return std::optional<Command>();
}

}  // namespace freshet::query
