include(GoogleTest)

# What a job of ci/ builds when it does not need everything: the programs of one kind.
add_custom_target(unit_tests)
add_custom_target(system_tests)
add_custom_target(fuzzers)

# lockstep_module(name
#   SOURCES a.cc …            the library lockstep_<name>
#   DEPS resp base …          other modules it may include
#   LIBS lib …                libraries beyond the shared ones
#   TESTS a_test.cc …         unit tests, one program <name>_test, no server needed
#   SYSTEM_TESTS b_test.cc …  tests that start real servers, program <name>_system_test, label `system`
#   TEST_DEPS fixtures …      modules that only the tests use
#   FUZZ a_fuzz.cc …          one libFuzzer program a file (preset fuzz), corpus beside it in corpus/<file>
#   BENCH a_bench.cc …        one Google Benchmark program a file
#   PCH asio)                 precompiled headers for SOURCES
function(lockstep_module name)
  cmake_parse_arguments(M "" "PCH" "SOURCES;DEPS;LIBS;TESTS;SYSTEM_TESTS;TEST_DEPS;FUZZ;BENCH" ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "lockstep_module(${name}): unknown arguments ${M_UNPARSED_ARGUMENTS}")
  endif()
  list(TRANSFORM M_DEPS PREPEND lockstep_ OUTPUT_VARIABLE deps)
  list(TRANSFORM M_TEST_DEPS PREPEND lockstep_ OUTPUT_VARIABLE test_deps)
  set(library lockstep_${name})
  if(M_SOURCES)
    add_library(${library} STATIC ${M_SOURCES})
    target_link_libraries(${library} PUBLIC lockstep_options ${deps} ${M_LIBS})
    if(M_PCH)
      target_precompile_headers(${library} REUSE_FROM lockstep_pch_${M_PCH})
    endif()
  else()
    add_library(${library} INTERFACE)
    target_link_libraries(${library} INTERFACE lockstep_options ${deps} ${M_LIBS})
  endif()

  set(test_headers lockstep_pch_tests)
  if(M_PCH OR fixtures IN_LIST M_TEST_DEPS)
    set(test_headers lockstep_pch_asio_tests)
  endif()
  foreach(kind IN ITEMS TESTS SYSTEM_TESTS)
    if(NOT M_${kind})
      continue()
    endif()
    set(program ${name}_test)
    set(properties TIMEOUT 120)
    if(kind STREQUAL SYSTEM_TESTS)
      set(program ${name}_system_test)
      set(properties TIMEOUT 300 LABELS system ENVIRONMENT "LOCKSTEP_BINARY=$<TARGET_FILE:lockstep>")
    endif()
    add_executable(${program} ${M_${kind}})
    target_link_libraries(${program} PRIVATE ${library} ${test_deps} rapidcheck GTest::gtest GTest::gtest_main)
    target_precompile_headers(${program} REUSE_FROM ${test_headers})
    gtest_discover_tests(${program} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES ${properties}
                         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    if(kind STREQUAL SYSTEM_TESTS)
      add_dependencies(${program} lockstep)
      add_dependencies(system_tests ${program})
    else()
      add_dependencies(unit_tests ${program})
    endif()
  endforeach()

  foreach(source IN LISTS M_BENCH)
    get_filename_component(program ${source} NAME_WE)
    add_executable(${program} ${source})
    target_link_libraries(${program} PRIVATE ${library} ${test_deps} benchmark::benchmark_main)
  endforeach()

  if(LOCKSTEP_FUZZ)
    foreach(source IN LISTS M_FUZZ)
      get_filename_component(program ${source} NAME_WE)
      add_executable(${program} ${source})
      target_link_libraries(${program} PRIVATE ${library})
      target_link_options(${program} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY LOCKSTEP_FUZZERS
                   "$<TARGET_FILE:${program}> ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${program}")
      add_dependencies(fuzzers ${program})
    endforeach()
  endif()
endfunction()

# Writes <build>/fuzzers.txt for ci/fuzz: a line for each fuzzer, its program and its corpus.
function(lockstep_list_fuzzers)
  get_property(fuzzers GLOBAL PROPERTY LOCKSTEP_FUZZERS)
  list(JOIN fuzzers "\n" lines)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/fuzzers.txt CONTENT "${lines}\n")
endfunction()
