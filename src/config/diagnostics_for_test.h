#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "config/project_texts.h"

namespace weir::config {

inline LoadedProject load_text(std::string text, SqlChecker* checker = nullptr) {
  ProjectTexts texts;
  texts.base = {"weir.yaml", std::move(text)};
  texts.root = "/project";
  texts.variables = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "from-variable";
    if (name == "FORMAT") return "csv";
    return std::nullopt;
  };
  return load_project_texts(texts, checker);
}

/// All findings as `weir validate` prints them, without the file's name: "3:5: error: …".
inline std::vector<std::string> lines_of(const LoadedProject& loaded) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    std::string line = diagnostic.to_string();
    if (diagnostic.location.line > 0 && diagnostic.location.file == "weir.yaml") line.erase(0, 10);
    lines.push_back(std::move(line));
  }
  return lines;
}

struct DiagnosticCase {
  std::string text;
  std::vector<std::string> expected;
};

inline void expect_diagnostics(const std::vector<DiagnosticCase>& cases,
                               const std::string& prefix = "") {
  for (const DiagnosticCase& each : cases) {
    EXPECT_THAT(lines_of(load_text(prefix + each.text)), testing::ElementsAreArray(each.expected))
        << prefix + each.text;
  }
}

}  // namespace weir::config
