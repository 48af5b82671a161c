#pragma once

#include <string>

#include "base/result.h"
#include "io/byte_stream.h"
#include "io/descriptor.h"

namespace weir::objects {

/// Where a key's file lies: its open folder and its name in there.
struct KeyFolder {
  io::Descriptor folder;
  std::string name;
  std::string path;  ///< of the file, for messages
};

/// Makes the folders of a (checked) key below `root` where they are missing, durably. Never leads
/// through a link. Errors: io, invalid_input (a part of the key is a file or a link).
Result<KeyFolder> make_folders(const std::string& root, const std::string& key);

/// A file that is written without a name, and gets it when it is whole and on the disk. Gone with
/// the object, or the process, unless it appeared; only where the file system has no nameless files
/// may a dying process leave a hidden one (".weir-….tmp") behind.
class NewFile {
 public:
  /// `folder` must outlive the file. Errors: io.
  static Result<NewFile> create(const KeyFolder& folder);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  /// Writes all of `content`. Errors: io, those of `content`.
  Result<void> take(io::ByteStream& content);
  /// Flushes it and puts it in the place of what has its name, in one step. Errors: io.
  Result<void> appear();

 private:
  NewFile(const KeyFolder& folder, io::Descriptor file, std::string hidden)
      : folder_(&folder), file_(std::move(file)), hidden_(std::move(hidden)) {}

  const KeyFolder* folder_;
  io::Descriptor file_;
  std::string hidden_;  // the name it has meanwhile; empty = none
};

}  // namespace weir::objects
