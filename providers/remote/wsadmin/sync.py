# Synchronization of one node through its running agent. Request: node, action = full | auto-on | auto-off, seconds.


def perform(request):
    node = request.getProperty('node')
    action = request.getProperty('action')
    require_agent(node)
    sync = mbean('type=NodeSync,node=' + node)
    if sync == '': raise Problem('no-agent', 'the node agent of ' + node + ' offers no synchronization')
    if action == 'full': full(node, sync, deadline_of(request))
    elif action == 'auto-on': AdminControl.setAttribute(sync, 'autoSyncEnabled', 'true')
    elif action == 'auto-off': AdminControl.setAttribute(sync, 'autoSyncEnabled', 'false')
    else: raise Problem('invalid', 'action ' + action)
    return {
        'synchronized': yes_or_no(AdminControl.invoke(sync, 'isNodeSynchronized')),
        'autoSync': yes_or_no(running_attribute(sync, 'autoSyncEnabled')),
    }


def full(node, sync, deadline):
    # An agent that has forgotten what it has fetches everything.
    repository = mbean('type=ConfigRepository,process=nodeagent,node=' + node)
    if repository == '': raise Problem('no-agent', 'the node agent of ' + node + ' offers no configuration repository')
    AdminControl.invoke(repository, 'refreshRepositoryEpoch')
    AdminControl.invoke(sync, 'sync')
    while yes_or_no(AdminControl.invoke(sync, 'isNodeSynchronized')) != 'yes':
        if not wait_a_little(deadline): return


answer(perform)
