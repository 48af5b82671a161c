#include <unistd.h>

#include "base/redaction.h"
#include "cli/frames.h"
#include "cli/messages.h"
#include "cli/presenter.h"
#include "cli/secret_input.h"
#include "cli/verbs.h"
#include "crypto/wipe.h"
#include "model/secret_name.h"
#include "secrets/secret_vault.h"

namespace weir::cli {
namespace {

using secrets::ListedSecret;

/// What `weir secret` was asked to do, to the secrets of one project and environment.
class SecretVerb {
 public:
  SecretVerb(const CommandLine& line, const SecretCommand& command, const Project& project)
      : line_(line),
        command_(command),
        project_(project),
        places_{project.root, project.environment},
        vault_(places_, clock_) {}

  Result<void> perform() {
    switch (command_.action) {
      case SecretAction::set: return set();
      case SecretAction::list: return list();
      case SecretAction::remove: return remove();
      case SecretAction::rotate: return rotate();
    }
    return {};
  }

 private:
  Result<void> set() {
    WEIR_TRY(check_secret_name(command_.name));
    std::string value = WEIR_TRY(
        read_secret("Value of " + command_.name + " (not shown): ", secrets::largest_secret_bytes));
    const crypto::WipedAtEnd wiped(value);
    keep_secret(value);
    const auto outcome = WEIR_TRY(vault_.set(command_.name, value));
    if (outcome.made_key) {
      say("made the key " + places_.key_file().string() +
          ": whoever runs this project elsewhere needs it, by another way than " +
          places_.file_name());
    }
    if (outcome.hidden_by_environment) {
      say(secret_variable(command_.name) + " is set here, and comes before " + places_.file_name());
    }
    if (value.size() < shortest_redacted_bytes) {
      say("a value of fewer than " + std::to_string(shortest_redacted_bytes) +
          " bytes is not redacted where it turns up in messages");
    }
    if (value.find_first_of("\r\n") == value.size() - 1) {
      say("the value ends with a line break; if that is not part of it, set it again without");
    }
    say(command_.name + (outcome.replaced ? " is replaced in " : " is set in ") +
        places_.file_name());
    return {};
  }

  Result<void> remove() {
    WEIR_TRY(vault_.remove(command_.name));
    say(command_.name + " is removed from " + places_.file_name());
    for (const SecretUse& use : project_.secrets) {
      if (use.name == command_.name) {
        say(use.location.to_string() + " still uses it");
      }
    }
    return {};
  }

  Result<void> rotate() {
    const std::string id = WEIR_TRY(vault_.rotate());
    say(places_.file_name() + " is sealed with the key " + id +
        "; whoever runs this project elsewhere needs both");
    return {};
  }

  Result<void> list() {
    std::vector<std::string> used;
    for (const SecretUse& use : project_.secrets) used.push_back(use.name);
    const auto all = WEIR_TRY(vault_.list(used));
    DescriptorOutput output(STDOUT_FILENO);
    const auto rows = make_rows_presenter(line_.format, output,
                                          {.whole_column = "name", .times = Times::to_the_second});
    rows->send(columns_frame({{"name", "VARCHAR"},
                              {"bytes", "BIGINT"},
                              {"set_at", "TIMESTAMP"},
                              {"source", "VARCHAR"},
                              {"used", "VARCHAR"}}));
    RowFrames frames(*rows);
    for (const ListedSecret& secret : all) frames.add(row_of(secret));
    frames.flush();
    rows->finish({});
    return {};
  }

  TableRow row_of(const ListedSecret& secret) const {
    TableRow row{secret.name, std::nullopt, std::nullopt, std::nullopt, std::nullopt};
    if (secret.source != ListedSecret::Source::missing) row[1] = std::to_string(secret.size_bytes);
    if (!secret.set_at.empty()) row[2] = secret.set_at;
    switch (secret.source) {
      case ListedSecret::Source::environment: row[3] = secret_variable(secret.name); break;
      case ListedSecret::Source::file: row[3] = places_.file_name(); break;
      case ListedSecret::Source::missing: row[3] = "missing"; break;
    }
    for (const SecretUse& use : project_.secrets) {
      if (use.name != secret.name) continue;
      row[4] = (row[4] ? *row[4] + ", " : "") + use.location.to_string();
    }
    return row;
  }

  const CommandLine& line_;
  const SecretCommand& command_;
  const Project& project_;
  const SystemClock clock_;
  const secrets::SecretPlaces places_;
  secrets::SecretVault vault_;
};

}  // namespace

ExitCode secret(const CommandLine& line, const SecretCommand& command, const Project& project) {
  const auto done = SecretVerb(line, command, project).perform();
  if (done) return ExitCode::done;
  say(done.error());
  return exit_code(done.error());
}

}  // namespace weir::cli
