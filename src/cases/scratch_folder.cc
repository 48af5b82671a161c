#include "cases/scratch_folder.h"

#include <cstdlib>

#include "io/system_error.h"

namespace weir::cases {

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::make() {
  std::error_code ignored;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(ignored);
  std::string name = (parent / "weir-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(io::system_error("cannot make a folder below", parent.string()));
  }
  return std::unique_ptr<ScratchFolder>(new ScratchFolder(name));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace weir::cases
