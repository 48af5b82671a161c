#include "secrets/sealed_file.h"

#include <algorithm>

#include "crypto/base64.h"
#include "model/secret_name.h"

namespace weir::secrets {
namespace {

constexpr std::string_view first_line = "weir secrets 1";
constexpr size_t key_id_digits = 16;

bool hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_environment(std::string_view text) {
  return !text.empty() && text.size() <= 100 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

/// "2026-11-20T12:00:00.000000Z"
bool is_timestamp(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00.000000Z";
  if (text.size() != shape.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

/// Takes a file apart line by line.
class Parser {
 public:
  Parser(std::string_view text, const std::string& file_name) : rest_(text), file_(file_name) {}

  Result<SealedFile> parse() {
    SealedFile file;
    if (WEIR_TRY(line()) != first_line) {
      return damaged("it does not begin with 'weir secrets 1'",
                     "a newer weir may have written it; else take it from your version control");
    }
    file.environment = WEIR_TRY(word("environment ", is_environment));
    file.key_id = WEIR_TRY(word("key ", [](std::string_view id) {
      return id.size() == key_id_digits && std::all_of(id.begin(), id.end(), hex_digit);
    }));
    while (true) {
      std::string_view one = WEIR_TRY(line());
      if (one.starts_with("end ")) {
        const auto tag = crypto::from_base64(one.substr(4));
        if (!tag || tag->size() != crypto::sealing_overhead_bytes) return not_ours();
        break;
      }
      file.entries.push_back(WEIR_TRY(entry(one)));
      const size_t count = file.entries.size();
      if (count > 1 && file.entries[count - 2].name >= file.entries[count - 1].name) {
        return damaged("its secrets are not in order", restore);
      }
    }
    if (!rest_.empty()) return damaged("something stands behind its last line", restore);
    return file;
  }

 private:
  static constexpr const char* restore = "take the file from your version control";

  tl::unexpected<Error> damaged(const std::string& how, std::string fix) const {
    return fail(ErrorCode::invalid_input, file_ + " is damaged: " + how, std::move(fix),
                {file_, line_, 0});
  }
  tl::unexpected<Error> not_ours() const {
    return damaged("this is no line that weir wrote",
                   "after a merge conflict, take one side whole and set the other's secrets again "
                   "with `weir secret set`; else take the file from your version control");
  }

  Result<std::string_view> line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) {
      ++line_;
      return damaged(rest_.empty() && line_ == 1 ? "it is empty" : "it ends too early", restore);
    }
    const std::string_view one = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    ++line_;
    if (one.ends_with('\r')) {
      return damaged("its line ends were changed",
                     "write 'weir*.secrets -text' into .gitattributes and check the file out "
                     "again");
    }
    return one;
  }

  template <class Check>
  Result<std::string> word(std::string_view key, Check check) {
    const std::string_view one = WEIR_TRY(line());
    if (!one.starts_with(key) || !check(one.substr(key.size()))) return not_ours();
    return std::string(one.substr(key.size()));
  }

  /// "secret NAME TIME BASE64"
  Result<SealedEntry> entry(std::string_view one) const {
    constexpr std::string_view key = "secret ";
    if (!one.starts_with(key)) return not_ours();
    one.remove_prefix(key.size());
    const size_t first = one.find(' ');
    const size_t second = first == std::string_view::npos ? first : one.find(' ', first + 1);
    if (second == std::string_view::npos) return not_ours();
    SealedEntry entry{std::string(one.substr(0, first)),
                      std::string(one.substr(first + 1, second - first - 1)),
                      {}};
    auto sealed = crypto::from_base64(one.substr(second + 1));
    if (!check_secret_name(entry.name) || !is_timestamp(entry.set_at) || !sealed ||
        sealed->size() <= crypto::sealing_overhead_bytes ||
        sealed->size() > largest_secret_bytes + crypto::sealing_overhead_bytes) {
      return not_ours();
    }
    entry.sealed = *std::move(sealed);
    return entry;
  }

  std::string_view rest_;
  const std::string& file_;
  int line_ = 0;
};

std::string above_end(const SealedFile& file, const std::string& key_id) {
  std::string text(first_line);
  text += "\nenvironment " + file.environment + "\nkey " + key_id + "\n";
  for (const SealedEntry& entry : file.entries) {
    text +=
        "secret " + entry.name + " " + entry.set_at + " " + crypto::to_base64(entry.sealed) + "\n";
  }
  return text;
}

/// What a sealed value is bound to; no field can hold a zero byte.
std::string bound_to(std::string_view kind, std::string_view first, std::string_view second = {},
                     std::string_view third = {}) {
  std::string out(first_line);
  for (const std::string_view field : {kind, first, second, third}) {
    out += '\0';
    out += field;
  }
  return out;
}

}  // namespace

const SealedEntry* SealedFile::find(std::string_view name) const {
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), name,
      [](const SealedEntry& entry, std::string_view wanted) { return entry.name < wanted; });
  return at != entries.end() && at->name == name ? &*at : nullptr;
}

Result<SealedFile> parse_sealed_file(std::string_view text, const std::string& file_name) {
  return Parser(text, file_name).parse();
}

Result<void> verify_sealed_file(std::string_view text, const SealedFile& file,
                                const crypto::SealingKey& key, const std::string& environment,
                                const std::string& file_name) {
  if (file.key_id != key.id()) {
    return fail(
        ErrorCode::invalid_input,
        file_name + " was sealed with the key " + file.key_id + ", and the one here is " + key.id(),
        "get the file's own key from whoever set its secrets");
  }
  const size_t end = text.rfind("\nend ") + 1;
  const auto tag = crypto::from_base64(text.substr(end + 4, text.size() - end - 5));
  if (!tag || !crypto::open_sealed(key, *tag, bound_to("file", text.substr(0, end)))) {
    return fail(ErrorCode::invalid_input,
                file_name + " was changed by something else than `weir secret`",
                "take the file from your version control");
  }
  if (file.environment != environment) {
    return fail(ErrorCode::invalid_input,
                file_name + " holds the secrets of the environment '" + file.environment +
                    "', not those of '" + environment + "'",
                "each environment has a file of its own: set its secrets with `weir secret set`");
  }
  return {};
}

std::string write_sealed_file(const SealedFile& file, const crypto::SealingKey& key) {
  std::string text = above_end(file, key.id());
  const std::string tag = crypto::seal(key, {}, bound_to("file", text));
  return text + "end " + crypto::to_base64(tag) + "\n";
}

SealedEntry seal_entry(const std::string& environment, std::string name, std::string_view value,
                       std::string set_at, const crypto::SealingKey& key) {
  SealedEntry entry{std::move(name), std::move(set_at), {}};
  entry.sealed =
      crypto::seal(key, value, bound_to("secret", environment, entry.name, entry.set_at));
  return entry;
}

Result<std::string> open_entry(const std::string& environment, const SealedEntry& entry,
                               const crypto::SealingKey& key, const std::string& file_name) {
  auto value = crypto::open_sealed(key, entry.sealed,
                                   bound_to("secret", environment, entry.name, entry.set_at));
  if (!value) {
    return fail(ErrorCode::invalid_input,
                "the secret '" + entry.name + "' in " + file_name + " was not sealed for this name",
                "set it again with `weir secret set " + entry.name + "`");
  }
  return value;
}

}  // namespace weir::secrets
