# Dependencies, compiler settings and the precompiled headers that every module shares.
# All targets are compiled with the same definitions: precompiled headers are only reusable then.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(LOCKSTEP_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize takes them")
option(LOCKSTEP_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(LOCKSTEP_WERROR "Treat warnings as errors" ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # The checkout's place does not matter to the cache, and precompiled headers may be cached.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS filesystem)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(rapidcheck REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_library(LZF_LIBRARY lzf REQUIRED)

add_library(lockstep_options INTERFACE)
target_include_directories(lockstep_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(lockstep_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wunused -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Wformat=2 -Wimplicit-fallthrough
  $<$<BOOL:${LOCKSTEP_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:GNU>:-fcoroutines -Winvalid-pch -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-restrict>)
target_compile_definitions(lockstep_options INTERFACE
  LOCKSTEP_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_PROCESS_V2_SEPARATE_COMPILATION)
target_link_libraries(lockstep_options INTERFACE
  Threads::Threads OpenSSL::SSL OpenSSL::Crypto Boost::headers Boost::filesystem fmt::fmt
  spdlog::spdlog CLI11::CLI11 yaml-cpp nlohmann_json::nlohmann_json ${XXHASH_LIBRARY}
  ${LZF_LIBRARY})
if(LOCKSTEP_SANITIZE)
  target_compile_options(lockstep_options INTERFACE
    -fsanitize=${LOCKSTEP_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # GCC says at every fence of Asio that the thread sanitizer does not see fences. Our programs have one thread.
  if(LOCKSTEP_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(lockstep_options INTERFACE -Wno-tsan)
  endif()
  target_link_options(lockstep_options INTERFACE -fsanitize=${LOCKSTEP_SANITIZE})
endif()
if(LOCKSTEP_FUZZ)
  target_compile_options(lockstep_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# lockstep_module() reuses one of these: PCH asio for sources; for tests asio_tests where what they link has Asio's functions,
# else tests. Only headers of which most is not compiled again at the end of each file: with CLI11 among them, every
# file would take 3 s more.
set(asio_headers
  <algorithm> <chrono> <deque> <functional> <map> <memory> <optional> <string> <string_view>
  <variant> <vector> <fmt/format.h> <spdlog/spdlog.h> <boost/asio.hpp> <boost/asio/ssl.hpp>
  <boost/asio/experimental/awaitable_operators.hpp>)
set(test_headers <string> <vector> <gtest/gtest.h> <rapidcheck.h> <rapidcheck/gtest.h>)

function(lockstep_precompile name)
  cmake_parse_arguments(P "" "" "HEADERS;LIBS" ${ARGN})
  add_library(lockstep_pch_${name} OBJECT ${CMAKE_SOURCE_DIR}/ci/cmake/pch.cc)
  target_link_libraries(lockstep_pch_${name} PRIVATE lockstep_options ${P_LIBS})
  target_precompile_headers(lockstep_pch_${name} PRIVATE ${P_HEADERS})
endfunction()
lockstep_precompile(asio HEADERS ${asio_headers})
lockstep_precompile(tests HEADERS ${test_headers} LIBS rapidcheck GTest::gtest)
lockstep_precompile(asio_tests HEADERS ${asio_headers} ${test_headers} LIBS rapidcheck GTest::gtest)
