#include "cli/messages.h"

#include "base/redaction.h"
#include "cli/display_text.h"
#include "cli/output.h"

namespace weir::cli {
namespace {

void write_line(std::string_view line) {
  DescriptorOutput(2).write(visible(redact(std::string(line)), LineBreaks::keep) + "\n");
}

}  // namespace

void say(std::string_view message) { write_line("weir: " + std::string(message)); }

void say(const Error& error) { say(error.to_string()); }

void say(const std::vector<config::Diagnostic>& diagnostics) {
  for (const config::Diagnostic& diagnostic : diagnostics) write_line(diagnostic.to_string());
}

}  // namespace weir::cli
