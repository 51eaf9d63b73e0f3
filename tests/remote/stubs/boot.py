# Runs wsadmin scripts one after the other, each against a fresh stand-in of wsadmin's objects:
# boot.py STUBS CASE=SCRIPT=REQUEST ...
# Prints for each "== CASE", what the script printed, and "-- changes" with every change that reached the objects.
import sys
try:
    # Jython 2.1 does not find the packages of a Java later than 8 by itself.
    for package in ['java.io', 'java.lang', 'java.util']: sys.add_package(package)
except AttributeError:
    pass
boot_arguments = sys.argv[1:]
for boot_case in boot_arguments[1:]:
    boot_name, boot_script, boot_request = boot_case.split('=')
    print '== ' + boot_name
    boot_globals = {'__name__': '__main__', 'sys': sys, 'boot_name': boot_name}
    execfile(boot_arguments[0], boot_globals)
    sys.argv = [boot_request]
    execfile(boot_script, boot_globals)
    for boot_change in boot_globals['CHANGES']: print '-- ' + boot_change
