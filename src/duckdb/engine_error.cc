#include <algorithm>
#include <string>
#include <string_view>

#include "duckdb/native.h"

namespace weir::duckdb {
namespace {

using namespace std::string_view_literals;

/// How DuckDB's file system begins its complaints. At a commit they come without their kind ("IO
/// Error: "), as the rest of "TransactionContext Error: Failed to commit: ".
constexpr std::string_view file_complaints[] = {
    "Could not write"sv,    "Could not read"sv,   "Could not fsync"sv,
    "Could not truncate"sv, "Could not seek"sv,   "Could not get file"sv,
    "Could not remove"sv,   "Could not rename"sv, "Could not set lock"sv,
    "Cannot open file"sv,   "fsync failed"sv,     "Failed to create directory"sv};

bool is_file_complaint(std::string_view text) {
  return std::ranges::any_of(file_complaints, [&](auto start) { return text.starts_with(start); });
}

ErrorCode error_code(std::string_view text) {
  constexpr auto failed_commit = "TransactionContext Error: Failed to commit: "sv;
  if (text.find("INTERRUPT") != std::string_view::npos) return ErrorCode::cancelled;
  if (text.starts_with("FATAL") || text.find("has been invalidated") != std::string_view::npos) {
    return ErrorCode::unavailable;
  }
  if (text.starts_with("IO Error")) return ErrorCode::io;
  if (text.starts_with("INTERNAL")) return ErrorCode::internal;
  if (text.starts_with("TransactionContext Error: Conflict")) return ErrorCode::busy;
  if (text.starts_with(failed_commit)) {
    text.remove_prefix(failed_commit.size());
    if (text.starts_with("IO Error") || is_file_complaint(text)) return ErrorCode::io;
  }
  return ErrorCode::sql;
}

}  // namespace

Error make_error(const char* message) {
  std::string text = message == nullptr ? "unknown error" : message;
  const ErrorCode code = error_code(text);
  return {code, std::move(text)};
}

}  // namespace weir::duckdb
