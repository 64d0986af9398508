/*
 * Stands in for the plug-ins that electron-builder's installer script calls and its bundle of NSIS brings: UAC, StdUtils, WinShell
 * and Nsis7z. They answer as on a machine where an administrator installs; shortcuts are not marked, and the archive's files come
 * from the folder named by SG_TEST_PAYLOAD. Interface: https://nsis.sourceforge.io/Docs/Plugin/exDLL (nsis/api.h of NSIS 3).
 */
#include <windows.h>
#include <wchar.h>

typedef struct stack {
  struct stack *next;
  wchar_t text[1];
} stack;

#define EXPORT(name) \
  __declspec(dllexport) void name(HWND parent, int size, wchar_t *variables, stack **top, void *extra)

static void pop(stack **top, wchar_t *into, int size) {
  into[0] = 0;
  if (!*top) return;
  stack *taken = *top;
  lstrcpynW(into, taken->text, size);
  *top = taken->next;
  GlobalFree(taken);
}

static void push(stack **top, const wchar_t *text, int size) {
  stack *added = GlobalAlloc(GPTR, sizeof(stack) + size * sizeof(wchar_t));
  lstrcpynW(added->text, text, size);
  added->next = *top;
  *top = added;
}

/* UAC: is administrator, has no outer instance, need not be elevated. */
EXPORT(_) {
  wchar_t what[64];
  pop(top, what, 64);
  const wchar_t *answer = what[0] == L'2' ? L"1" : L"0";
  if (wcschr(what, L's')) push(top, answer, size);
  else lstrcpynW(variables, answer, size);
  if (what[0] == L'0') lstrcpynW(variables + size, L"2", size);
}

static const wchar_t *switchNamed(const wchar_t *name) {
  wchar_t wanted[256] = L"--";
  wcsncat(wanted, name, 200);
  return wcsstr(GetCommandLineW(), wanted);
}

EXPORT(TestParameter) {
  wchar_t name[256];
  pop(top, name, 256);
  push(top, switchNamed(name) ? L"true" : L"false", size);
}

EXPORT(GetParameter) {
  wchar_t fallback[256], name[256];
  pop(top, fallback, 256);
  pop(top, name, 256);
  push(top, fallback, size);
}

/* Everything behind the program's own name. */
EXPORT(GetAllParameters) {
  wchar_t ignored[16];
  pop(top, ignored, 16);
  const wchar_t *line = GetCommandLineW();
  const wchar_t *rest = line[0] == L'"' ? wcschr(line + 1, L'"') : wcschr(line, L' ');
  push(top, rest ? rest + 1 : L"", size);
}

EXPORT(GetParentPath) {
  wchar_t path[1024];
  pop(top, path, 1024);
  wchar_t *last = wcsrchr(path, L'\\');
  if (last) *last = 0;
  push(top, path, size);
}

EXPORT(ExecShellAsUser) {
  wchar_t ignored[1024];
  for (int index = 0; index < 3; index++) pop(top, ignored, 1024);
  push(top, L"ok", size);
}

EXPORT(SetLnkAUMI) {
  wchar_t ignored[1024];
  pop(top, ignored, 1024);
  pop(top, ignored, 1024);
}

EXPORT(UninstShortcut) {
  wchar_t ignored[1024];
  pop(top, ignored, 1024);
}

EXPORT(UninstAppUserModelId) {
  wchar_t ignored[1024];
  pop(top, ignored, 1024);
}

/* Nsis7z: into the current output folder. Leaves that folder's name on the stack, as the caller put it there. */
EXPORT(Extract) {
  wchar_t archive[1024], from[1024], to[1024];
  pop(top, archive, 1024);
  GetEnvironmentVariableW(L"SG_TEST_PAYLOAD", from, 1000);
  GetCurrentDirectoryW(1000, to);
  wcscat(from, L"\\*");
  from[wcslen(from) + 1] = 0;
  to[wcslen(to) + 1] = 0;
  SHFILEOPSTRUCTW copy = {0, FO_COPY, from, to, FOF_NO_UI};
  SHFileOperationW(&copy);
}
