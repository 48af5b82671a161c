#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load_project.h"
#include "text/yaml.h"

namespace weir::config {

using text::YamlEntry;
using text::YamlKind;
using text::YamlLayout;
using text::YamlNode;
using text::YamlStyle;

/// A value and where it was written. Without a location it is a default.
template <class T>
struct Located {
  T value{};
  Location location;

  bool given() const { return location.line > 0; }
};

/// Value of an environment variable; none when it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;

/// Whether a text may say `${secret:name}`.
enum class Secrets { refused, allowed };

/// Collects what is wrong while the tree is read, knows which part of the file is being read, and
/// puts `${env:NAME}` in. One thread.
class Reader {
 public:
  explicit Reader(Variables variables) : variables_(std::move(variables)) {}

  void error(const Location& at, std::string message, std::string fix = {});
  void warning(const Location& at, std::string message, std::string fix = {});
  void note(const Location& at, std::string message, std::string fix = {});
  size_t errors() const { return errors_; }
  /// All findings so far, as they were found.
  std::vector<Diagnostic>& diagnostics() { return diagnostics_; }

  /// The scalar's text with `${env:NAME}` and `${env:NAME:-default}` put in; `${run.…}` stays,
  /// and so does `${secret:…}`, whose use is noted: whoever uses the text fills it in. None, and an
  /// error, when the node is no scalar, the variable is not set or a secret is refused.
  std::optional<std::string> text(const YamlNode& node, std::string_view expected,
                                  Secrets secrets = Secrets::refused);

  /// The secrets that texts used so far.
  std::vector<SecretUse>& secrets() { return secrets_; }

  /// "'mode' of pipeline 'x' must be …, not …". Quotes the file, never a variable's value.
  void wrong(const YamlNode& node, std::string_view expected, std::string fix = {});

  /// What is being read: "table 'hits'", "'read' of pipeline 'load'"; empty at the top.
  std::string subject() const;
  /// The last part of it: "table 'hits'", "'read'"; empty at the top.
  std::string label() const { return open_.empty() ? "" : open_.back().text; }
  /// Where that begins: its key.
  Location place(const YamlNode& otherwise) const;

  enum class Label { key, named };
  /// Marks, for its own lifetime, what is being read.
  class Inside {
   public:
    Inside(Reader& reader, Label label, std::string text, Location location);
    ~Inside() { reader_.open_.pop_back(); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Reader& reader_;
  };

 private:
  struct Open {
    Label label;
    std::string text;
    Location location;
  };

  bool put_in(const YamlNode& node, size_t offset, std::string_view reference, Secrets secrets,
              std::string& out);
  bool use_secret(const Location& at, std::string_view name, Secrets secrets);

  Variables variables_;
  std::vector<Diagnostic> diagnostics_;
  std::vector<SecretUse> secrets_;
  std::vector<Open> open_;
  size_t errors_ = 0;
};

/// "did you mean 'x'?"; empty when nothing is near.
std::string near_miss(std::string_view word, const std::vector<std::string>& candidates);
/// The same, else the list of what is there.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// Place of the byte at `offset` of the scalar's text, as exactly as the file tells.
Location offset_location(const YamlNode& node, size_t offset);

}  // namespace weir::config
