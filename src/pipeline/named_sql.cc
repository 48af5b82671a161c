#include "pipeline/named_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

#include "base/edit_distance.h"
#include "pipeline/parameter_value.h"

namespace weir::pipeline {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The bytes of the word at the beginning of `text`.
size_t word_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && (is_letter(text[length]) || is_digit(text[length]))) ++length;
  return length;
}

bool same_word(std::string_view word, std::string_view upper) {
  return std::ranges::equal(word, upper,
                            [](unsigned char a, unsigned char b) { return std::toupper(a) == b; });
}

}  // namespace

/// One way through the text of a query.
class NamedSql::Rewriting {
 public:
  Rewriting(const NamedQuery& query, Engine engine, Arguments arguments, RewrittenSql& text)
      : query_(query),
        engine_(engine),
        arguments_(arguments),
        text_(text),
        used_(query.parameters.size(), false) {}

  std::vector<Error> rewrite() {
    while (!text_.done()) step();
    for (size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) note_unused(query_.parameters[i]);
    }
    return std::move(problems_);
  }

 private:
  void step();
  void take_word(size_t length);
  void take_parameter(std::string_view name);
  void note_unused(const QueryParameter& parameter);
  void note(std::string message, std::string fix) {
    problems_.push_back(
        {ErrorCode::sql, std::move(message), std::move(fix), text_.place(text_.at())});
  }
  std::optional<std::string> near(std::string_view name) const;

  const NamedQuery& query_;
  const Engine engine_;
  const Arguments arguments_;
  RewrittenSql& text_;
  std::vector<bool> used_;
  std::vector<Error> problems_;
  bool in_limit_ = false;
};

void NamedSql::Rewriting::step() {
  const std::string_view rest = text_.rest();
  if (rest[0] == '$' && text_.begins_word() && text_.piece().size() == 1) {
    if (rest.size() > 1 && is_digit(rest[1])) {
      note("a parameter of a named query has a name", "write $name, and declare it");
      return text_.keep(2);
    }
    if (rest.starts_with("${run.")) {
      note("a named query belongs to no run", "declare a parameter, and write $name");
      return text_.keep(1);
    }
    if (rest.size() > 1 && is_letter(rest[1])) {
      return take_parameter(rest.substr(1, word_length(rest.substr(1))));
    }
  }
  if (is_letter(rest[0]) && text_.begins_word()) return take_word(word_length(rest));
  const std::string_view piece = text_.piece();
  const bool blank = std::isspace(static_cast<unsigned char>(rest[0])) != 0;
  const bool limit_goes_on =
      blank || rest[0] == ',' || is_digit(rest[0]) || text_.is_comment(piece);
  in_limit_ = in_limit_ && limit_goes_on;
  text_.keep(piece.size());
}

void NamedSql::Rewriting::take_word(size_t length) {
  // E'…' is one piece from its quote on; so a word never swallows a string.
  const std::string_view word = text_.rest().substr(0, length);
  in_limit_ = same_word(word, "LIMIT") || same_word(word, "OFFSET");
  text_.keep(length);
}

void NamedSql::Rewriting::take_parameter(std::string_view name) {
  const auto& declared = query_.parameters;
  const auto at = std::ranges::find(declared, name, &QueryParameter::name);
  const size_t bytes = name.size() + 1;
  if (at == declared.end()) {
    const auto meant = near(name);
    note(fmt::format("the parameter ${} is not declared", name),
         meant ? "did you mean $" + *meant + "?"
               : fmt::format("declare it: parameters: {{{}: TYPE}}", name));
    return text_.keep(bytes);
  }
  const auto index = static_cast<size_t>(at - declared.begin());
  used_[index] = true;
  const std::string argument =
      arguments_ == Arguments::null ? "NULL" : fmt::format("${}", index + 1);
  // MySQL's LIMIT takes a parameter, and no expression.
  const bool bare = in_limit_ && engine_ == Engine::mysql;
  text_.put(bare ? argument : parameter_cast(at->type, argument, engine_), bytes);
}

void NamedSql::Rewriting::note_unused(const QueryParameter& parameter) {
  problems_.push_back(
      {ErrorCode::sql, fmt::format("the SQL does not use the parameter '{}'", parameter.name),
       fmt::format("write ${} outside of quotes, or do not declare it", parameter.name),
       parameter.location});
}

std::optional<std::string> NamedSql::Rewriting::near(std::string_view name) const {
  std::vector<std::string_view> names;
  for (const QueryParameter& parameter : query_.parameters) names.push_back(parameter.name);
  const auto found = nearest(name, names);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

Result<NamedSql> NamedSql::make(const NamedQuery& query, Engine engine) {
  NamedSql made(query, engine);
  auto problems = Rewriting(query, engine, Arguments::numbered, made.text_).rewrite();
  if (!problems.empty()) return fail(std::move(problems.front()));
  Rewriting(query, engine, Arguments::null, made.without_parameters_).rewrite();
  return made;
}

std::vector<Error> NamedSql::problems(const NamedQuery& query, Engine engine) {
  RewrittenSql text(query.sql, engine);
  return Rewriting(query, engine, Arguments::numbered, text).rewrite();
}

}  // namespace weir::pipeline
