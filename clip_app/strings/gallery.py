"""Galleries: folders, indexes, archives, searching."""

STRINGS: dict[str, tuple[str, str]] = {
    "image_outside": (
        "{name} leads out of the folders that may be read.",
        "{name} 指向允许读取的目录之外。",
    ),
    "mcp_description": (
        "Answer the MCP client that starts this program, over standard input and output: classify, "
        "match, search and all the other tools.",
        "供 MCP 客户端启动的程序，通过标准输入和输出通信，提供分类、匹配、搜索等全部工具。",
    ),
    "mcp_folders": (
        "a folder of photographs that tools may read; index it to search it. "
        "Default: CLIP_APP_GALLERY_ROOTS, else the examples",
        "工具可以读取的照片目录，建立索引后即可搜索。"
        "默认为 CLIP_APP_GALLERY_ROOTS，未设则为示例照片",
    ),
    "mcp_no_photograph": (
        "{name} cannot be read here; send a photograph’s path as search answers it, or a data URL.",
        "无法读取 {name}，请使用 search 返回的照片路径，或发送 data URL。",
    ),
    "mcp_no_tool": (
        "There is no tool called {name}; there are {tools}.",
        "没有名为“{name}”的工具；可用的工具有 {tools}。",
    ),
    "folder_not_allowed": (
        "{folder} is not a folder below the configured gallery roots.",
        "{folder} 不是已配置图库目录下的文件夹。",
    ),
    "folder_not_there": (
        "The folder {folder} is not there any more: it was deleted or renamed, or its disk is "
        "unplugged. What was indexed of it is kept.",
        "文件夹 {folder} 已不存在：可能已被删除或改名，或磁盘未连接。已建立的索引仍然保留。",
    ),
    "folder_gone": (
        "The folder {folder} is not there any more; its index was kept.",
        "文件夹 {folder} 已不存在，其索引仍然保留。",
    ),
    "folder_unreadable": (
        "The folder {folder} cannot be listed; please check its permissions.",
        "无法读取文件夹 {folder}，请检查权限。",
    ),
    "folder_empty": (
        "There are no images in the folder {folder}.",
        "文件夹 {folder} 中没有图像。",
    ),
    "folder_empty_now": (
        "The folder {folder} holds no images now; in case its disk is unplugged, its index was "
        "kept. To drop the index, forget the folder.",
        "文件夹 {folder} 中现在没有图像。也许磁盘未连接，索引仍然保留；如确要清除，请删除该索引。",
    ),
    "index_missing": (
        "The folder {folder} has no index yet; please index it first.",
        "文件夹 {folder} 还没有索引，请先建立索引。",
    ),
    "index_none": (
        "No folder has been indexed yet; please index one first.",
        "还没有任何文件夹建立过索引，请先建立一个。",
    ),
    "indexes_left_out": (
        "There are indexes, but none that this program can read.",
        "已有索引，但本程序都无法读取。",
    ),
    "index_busy": (
        "The index of {folder} is being updated elsewhere just now; please wait for that to end.",
        "{folder} 的索引正在别处更新，请等待其完成。",
    ),
    "index_damaged": (
        "The index of {folder} is damaged; index the folder again, and a new one takes its place.",
        "{folder} 的索引已损坏；重新建立索引即可替换它。",
    ),
    "index_read_only": (
        "The folder that keeps the indexes cannot be written ({reason}): what is indexed can be "
        "searched, but nothing can be indexed.",
        "存放索引的文件夹无法写入（{reason}）：已有索引可以搜索，但不能建立或更新索引。",
    ),
    "terminal_index_read_only": (
        "The folder {folder}, which keeps the indexes, cannot be written ({reason}): what is "
        "indexed there can be searched, but nothing can be indexed.",
        "存放索引的文件夹 {folder} 无法写入（{reason}）：已有索引可以搜索，但不能建立或更新索引。",
    ),
    "index_newer": (
        "The index of {folder} was written by a newer version of this program.",
        "{folder} 的索引由本程序的更新版本写入。",
    ),
    "file_exists": (
        "{path} is there already; nothing is written over it.",
        "{path} 已经存在，不会覆盖它。",
    ),
    "backup_unwritable": (
        "{path} cannot be written: {reason}.",
        "无法写入 {path}：{reason}。",
    ),
    "backup_unreadable": (
        "{path} is not what `backup` writes, or it is damaged.",
        "{path} 不是 `backup` 写出的文件，或者已经损坏。",
    ),
    "backup_missing": ("There is no file {path}.", "没有 {path} 这个文件。"),
    "restore_not_empty": (
        "{folder} has an index already; with --replace it becomes what the file holds.",
        "{folder} 已有索引；加上 --replace 才会换成文件里的内容。",
    ),
    "backed_up": (
        "The index of {folder} is in {path}: {files:,} [files:file|files], {megabytes} MB.",
        "{folder} 的索引已写入 {path}：{files:,} 个文件，{megabytes} MB。",
    ),
    "restored": (
        "{folder} has its index again: {files:,} [files:file|files]. `index` reads "
        "what has changed since.",
        "{folder} 的索引已恢复：{files:,} 个文件。之后的改动由 `index` 读取。",
    ),
    "restored_without": (
        "What the backup says of {number:,} [number:file is damaged and was|files is damaged and "
        "was] left out; `index` reads [number:it|them] anew.",
        "备份中有 {number:,} 个文件的记录已损坏，未恢复；`index` 会重新读取它们。",
    ),
    "index_other_model": (
        "The index of {folder} was made with {model}, but {current} is in use. Index the folder "
        "again to make one for {current} beside it.",
        "{folder} 的索引由 {model} 建立，而当前模型是 {current}。"
        "重新建立索引会为 {current} 另建一份，原索引保留。",
    ),
    "left_out_kinds": (
        "{number:,} [number:file|files] of other kinds left out: {kinds}.",
        "另有 {number:,} 个其他类型的文件未读取：{kinds}。",
    ),
    "left_out_other": (
        "{number:,} [number:file that is neither picture nor video|files that are neither pictures "
        "nor videos] left out.",
        "另有 {number:,} 个既非图片也非视频的文件未读取。",
    ),
    "left_out_nomedia": (
        "{number:,} [number:picture|pictures] left out by a .nomedia file: {folders}.",
        "有 {number:,} 张图片因所在文件夹含 .nomedia 而未读取：{folders}。",
    ),
    "nomedia_here": (
        "This folder has a .nomedia file in it, but was indexed because it was chosen itself.",
        "此文件夹含有 .nomedia 文件；因为是直接指定的，仍为它建立了索引。",
    ),
    "query_missing": (
        "Please type what to look for, or add a picture.",
        "请输入要查找的内容，或添加一张图片。",
    ),
    "terms_too_many": (
        "{number} terms are too many; the limit is {limit}.",
        "检索项太多：{number} 个，上限为 {limit} 个。",
    ),
    "top_k_invalid": (
        "The number of results must be between 1 and {limit}.",
        "结果数量必须在 1 到 {limit} 之间。",
    ),
    "top_k_not_whole": (
        "The number of labels to return must be a whole number, 0 (for all) or more.",
        "返回的类别数量必须是不小于 0 的整数（0 表示全部）。",
    ),
    "image_changed": (
        "{name} has changed since it was indexed; please index the folder again.",
        "{name} 在建立索引后已被修改，请重新建立索引。",
    ),
    "zip_too_large": (
        "Together these originals take more than {limit} MB; please select fewer.",
        "选中的原图总共超过 {limit} MB，请少选一些。",
    ),
    "zip_empty": (
        "None of the selected originals is there as it was indexed.",
        "选中的原图都已不在，或在读取之后改动过。",
    ),
    "zip_left_out": (
        "Not in the archive, as gone or changed since they were indexed ({number:,}): {names}",
        "有 {number:,} 张已不在或改动过，没有打包：{names}",
    ),
    "saved_name_missing": (
        "Please give the search a name.",
        "请给这个搜索起个名字。",
    ),
    "saved_too_many": (
        "{limit} searches are saved already; please remove one first.",
        "已经存了 {limit} 个搜索，请先删掉一个。",
    ),
    "image_gone": (
        "This photo is not in the gallery any more.",
        "这张照片已经不在图库里了。",
    ),
    "archive_damaged": (
        "The archive {name} is damaged or was not copied to its end.",
        "压缩包 {name} 已损坏，或没有传完。",
    ),
    "archive_nothing": (
        "The archive {name} is empty.",
        "压缩包 {name} 是空的。",
    ),
    "archive_other_kind": (
        "{name} is a {kind} archive; please pack the photos as a .zip.",
        "{name} 其实是 {kind} 压缩包；请改用 .zip 格式打包照片。",
    ),
    "entry_damaged": (
        "{name} is damaged inside its archive.",
        "压缩包里的 {name} 已损坏。",
    ),
    "entry_encrypted": (
        "{name} is protected by a password; please pack it without one.",
        "{name} 设有密码；请重新打包，不要加密。",
    ),
    "entry_too_large": (
        "{name} is too large for one photo and was left out.",
        "{name} 作为一张照片过大，已跳过。",
    ),
    "entry_method": (
        "{name} is packed in a way that cannot be read here; please pack it again as a plain .zip,"
        " for example with 7-Zip, or fewer files at a time.",
        "{name} 的压缩方式这里无法读取；请重新打包为普通 .zip（例如用 7-Zip），或分几次打包。",
    ),
    "upload_not_stored": (
        "The photos could not be stored: {reason}.",
        "照片无法保存：{reason}。",
    ),
    "upload_read_only": (
        "Photos cannot be added: the folder of this app that keeps them cannot be written "
        "({reason}). Please ask whoever runs it.",
        "无法添加照片：本应用存放上传照片的文件夹不可写（{reason}）。请联系应用的管理员。",
    ),
    "upload_too_many": (
        "More than {limit:,} photos are too many to upload; please use a gallery folder.",
        "上传的照片超过 {limit:,} 张，请改用图库目录。",
    ),
    "upload_too_large": (
        "Together these photos take more than {limit} MB; please use a gallery folder.",
        "这些照片总共超过 {limit} MB，请改用图库目录。",
    ),
    "store_failed": (
        "The vector store {store} does not answer as it should: {reason}",
        "向量库 {store} 未能正常响应：{reason}",
    ),
    "qdrant_key_missing": (
        "Qdrant at {store} asks for a key; please set CLIP_APP_QDRANT_API_KEY.",
        "Qdrant（{store}）要求密钥，请设置 CLIP_APP_QDRANT_API_KEY。",
    ),
    "qdrant_key_wrong": (
        "Qdrant at {store} does not know the key in CLIP_APP_QDRANT_API_KEY.",
        "Qdrant（{store}）不认可 CLIP_APP_QDRANT_API_KEY 中的密钥。",
    ),
    "qdrant_key_too_weak": (
        "The key in CLIP_APP_QDRANT_API_KEY does not allow this at Qdrant at {store}.",
        "CLIP_APP_QDRANT_API_KEY 中的密钥没有权限在 Qdrant（{store}）上执行此操作。",
    ),
    "qdrant_disk_full": (
        "The disk of Qdrant at {store} is full; what was written before is kept.",
        "Qdrant（{store}）的磁盘已满；之前写入的内容仍然保留。",
    ),
    "qdrant_certificate": (
        "The certificate of Qdrant at {store} is not trusted: {reason}; CLIP_APP_QDRANT_CA can "
        "name the file of your own authority.",
        "Qdrant（{store}）的证书不受信任：{reason}；可以用 CLIP_APP_QDRANT_CA 指定自己的 CA 文件。",
    ),
    "qdrant_authority_unreadable": (
        "{path}, named by CLIP_APP_QDRANT_CA, is no file with a certificate that can be read.",
        "CLIP_APP_QDRANT_CA 指定的 {path} 不是可读取的证书文件。",
    ),
    "qdrant_too_old": (
        "Qdrant at {store} is of version {version}; this app needs {needed} or newer.",
        "Qdrant（{store}）的版本是 {version}，本应用需要 {needed} 或更新的版本。",
    ),
    "qdrant_node_away": (
        "{number} of {nodes} Qdrant nodes [number:does|do] not answer.",
        "{nodes} 个 Qdrant 节点中有 {number} 个没有响应。",
    ),
    "qdrant_others_away": (
        "Qdrant at {store} cannot reach other nodes of its cluster, which hold parts of this.",
        "Qdrant（{store}）连接不到集群中的其他节点，部分数据在那些节点上。",
    ),
    "qdrant_not_named": (
        "What only {number} of {nodes} Qdrant nodes hold could not be compared: where they are is "
        "not known. With every node's address in CLIP_APP_GALLERY_STORE, `index --verify` "
        "compares all.",
        "{nodes} 个 Qdrant 节点中有 {number} 个地址不明，只在这些节点上的数据未能比较；请在 "
        "CLIP_APP_GALLERY_STORE 中写明每个节点的地址，再运行 `index --verify`。",
    ),
    "qdrant_not_compared": (
        "{reason} The replicas were not compared to the end; the next `index` does so once all "
        "nodes are back.",
        "{reason}副本没有全部比较；所有节点恢复后，下次运行 `index` 时会再比较。",
    ),
    "qdrant_behind": (
        "{number} of {parts} parts have a replica that is not up to date yet.",
        "{parts} 个分片中有 {number} 个的某个副本尚未同步。",
    ),
    "qdrant_few": (
        "{number} of {parts} parts lie on fewer than {wanted} Qdrant nodes.",
        "{parts} 个分片中有 {number} 个存放的节点不足 {wanted} 个。",
    ),
    "qdrant_not_installed": (
        "This setting needs Qdrant's client; please run: pip install qdrant-client",
        "此设置需要 Qdrant 客户端，请运行：pip install qdrant-client",
    ),
}
