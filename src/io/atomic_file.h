#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::io {

enum class FileAccess {
  owner_only,     ///< 0600
  everyone_reads  ///< 0644, less the umask
};

/// Puts `content` at `path` so that, whatever happens, a reader sees the old file or the whole new
/// one: a temporary file beside it, fsync, rename, fsync of the folder. Errors: not_found, io.
Result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   FileAccess access = FileAccess::everyone_reads);

/// Removes the temporary files that a writer of `path` left when it was killed. For whoever alone
/// may write it now: another's temporary file would go too. What cannot be removed stays.
void remove_abandoned_writes(const std::string& path);

/// Makes created, renamed and removed names in `folder` survive a power cut. Errors: not_found, io.
Result<void> sync_folder(const std::string& folder);

/// The whole of a small regular file. Errors: not_found, io; invalid_input (longer than `limit`
/// bytes, or no regular file).
Result<std::string> read_small_file(const std::string& path, size_t limit);

}  // namespace weir::io
